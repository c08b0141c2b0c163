// The two switches that every page has in its head: language and colours.

import { h } from "./dom";
import { en } from "./i18n/en";
import { catalogue, chooseLanguage, language, onLanguage, type Language } from "./i18n/language";
import { zh } from "./i18n/zh";
import { chooseTheme, onTheme, theme, THEMES } from "./theme";

/** Labels of what every page has. */
export const common = catalogue(en, zh);

const LANGUAGES: ReadonlyArray<readonly [Language, string, string]> = [
  ["en", "EN", "en"],
  ["zh", "中文", "zh-Hans"],
];

/** A row of buttons of which one is pressed. */
export function choice<T extends string>(
  label: () => string,
  options: ReadonlyArray<{ value: T; label: (() => string) | string; lang?: string }>,
  now: () => T,
  choose: (value: T) => void,
): HTMLElement & { update(): void } {
  const buttons = options.map(({ value, label: text, lang }) =>
    h("button", { type: "button", lang, onclick: () => (choose(value), update()) }, text),
  );
  const update = (): void =>
    buttons.forEach((button, place) => button.setAttribute("aria-pressed", String(options[place]?.value === now())));
  update();
  return Object.assign(h("div", { class: "choice", role: "group", "aria-label": label }, buttons), { update });
}

export function languageSwitch(): HTMLElement {
  const options = LANGUAGES.map(([value, label, lang]) => ({ value, label, lang }));
  const made = choice(common("language"), options, language, chooseLanguage);
  onLanguage(() => made.update());
  return made;
}

export function themeSwitch(): HTMLElement {
  const options = THEMES.map((value) => ({ value, label: common(`theme.${value}`) }));
  const made = choice(common("theme"), options, theme, chooseTheme);
  onTheme(() => made.update());
  return made;
}

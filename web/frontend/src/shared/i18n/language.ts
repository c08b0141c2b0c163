// The language of the page: one for everything on it, switched without loading it again.

import { refresh } from "../dom";
import { remember, remembered } from "../preference";

export type Language = "en" | "zh";

/** A sentence from the data, in both languages. */
export interface Text {
  readonly en: string;
  readonly zh: string;
}

const TAGS: Record<Language, string> = { en: "en", zh: "zh-Hans" };
const listeners = new Set<() => void>();
let current: Language = "en";

export const language = (): Language => current;

/** Switches every text that was made with a function (see `dom.ts`), and then tells the listeners. */
export function setLanguage(next: Language): void {
  current = next;
  document.documentElement.lang = TAGS[next];
  refresh();
  for (const listener of listeners) listener();
}

/** Switches, and remembers it for the next page. */
export function chooseLanguage(next: Language): void {
  remember("language", next);
  setLanguage(next);
}

export function onLanguage(listener: () => void): void {
  listeners.add(listener);
}

/** The language to begin with: what the reader chose before, what was asked for, what the browser prefers. */
export function firstLanguage(asked?: string | null): Language {
  for (const one of [remembered("language"), asked, ...navigator.languages]) {
    if (one?.toLowerCase().startsWith("zh")) return "zh";
    if (one?.toLowerCase().startsWith("en")) return "en";
  }
  return "en";
}

/** A sentence from the data, for a place that follows the language. */
export const say =
  (text: Text): (() => string) =>
  () =>
    text[current];

/** The labels of a part of the page, for places that follow the language; `{name}` in a label is filled in. */
export function catalogue<Key extends string>(
  en: Readonly<Record<Key, string>>,
  zh: Readonly<Record<Key, string>>,
): (key: Key, values?: Readonly<Record<string, string | number | (() => string)>>) => () => string {
  return (key, values) => () =>
    (current === "zh" ? zh : en)[key].replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = values?.[name];
      return value === undefined ? whole : typeof value === "function" ? value() : String(value);
    });
}

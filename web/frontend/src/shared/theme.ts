// Light, dark, or as the reader's system has it.

import { remember, remembered } from "./preference";

export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const listeners = new Set<() => void>();
const system = (): MediaQueryList | null =>
  typeof matchMedia === "function" ? matchMedia("(prefers-color-scheme: dark)") : null;

export function theme(): Theme {
  const set = document.documentElement.dataset["theme"];
  return THEMES.find((one) => one === set) ?? "auto";
}

/** Whether the page is dark now. */
export const isDark = (): boolean => (theme() === "auto" ? (system()?.matches ?? false) : theme() === "dark");

export function setTheme(next: Theme): void {
  document.documentElement.dataset["theme"] = next;
  for (const listener of listeners) listener();
}

/** Switches, and remembers it for the next page. */
export function chooseTheme(next: Theme): void {
  remember("theme", next);
  setTheme(next);
}

/** Calls the listener when the colours change, for what is drawn by hand. */
export function onTheme(listener: () => void): void {
  listeners.add(listener);
}

/** Begins with what the reader chose before, and follows the system. */
export function startTheme(): void {
  const before = remembered("theme");
  setTheme(THEMES.find((one) => one === before) ?? "auto");
  system()?.addEventListener("change", () => theme() === "auto" && setTheme("auto"));
}

// What the page is like on paper: light, everything unfolded but the logs, drawings whole.

import { setTheme, theme, type Theme } from "../shared/theme";

type Step = () => void;

const steps: Array<{ before: Step; after: Step }> = [];

/** What a part of the page has to do for printing, and to undo. */
export function onPrint(before: Step, after: Step): void {
  steps.push({ before, after });
}

export function startPrinting(): void {
  let opened: HTMLDetailsElement[] = [];
  let colours: Theme = "auto";
  addEventListener("beforeprint", () => {
    colours = theme();
    setTheme("light");
    opened = [...document.querySelectorAll<HTMLDetailsElement>("details:not([open]):not(.log)")];
    for (const one of opened) one.open = true;
    for (const step of steps) step.before();
  });
  addEventListener("afterprint", () => {
    for (const step of steps) step.after();
    for (const one of opened) one.open = false;
    setTheme(colours);
  });
}

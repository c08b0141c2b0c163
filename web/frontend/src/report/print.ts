// What the page is like on paper: light, everything unfolded but the logs, drawings whole.

import { setTheme, theme, type Theme } from "../shared/theme";

type Step = () => void;

let onPaper = false;
const steps: Array<{ before: Step; after: Step }> = [];

/** What a part of the page has to do for printing, and to undo. */
export function onPrint(before: Step, after: Step): void {
  steps.push({ before, after });
}

/** Whether the page is being printed: then nothing moves. */
export const isPrinting = (): boolean => onPaper;

export function startPrinting(): void {
  let opened: HTMLDetailsElement[] = [];
  let colours: Theme = "auto";
  addEventListener("beforeprint", () => {
    onPaper = true;
    colours = theme();
    setTheme("light");
    opened = [...document.querySelectorAll<HTMLDetailsElement>("details:not([open]):not(.log, .list)")];
    for (const one of opened) one.open = true;
    for (const step of steps) step.before();
  });
  addEventListener("afterprint", () => {
    onPaper = false;
    for (const step of steps) step.after();
    for (const one of opened) one.open = false;
    setTheme(colours);
  });
}

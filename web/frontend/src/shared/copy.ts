// A button that copies a text and says whether it did.

import { h } from "./dom";
import { common } from "./switches";

/** A button; `text` is asked when it is pressed. */
export function copyButton(text: () => string, label: () => string = common("copy")): HTMLElement {
  const said = h("span", { class: "said", role: "status" });
  const button = h("button", { type: "button", class: "copy", onclick: () => void press() }, label);
  async function press(): Promise<void> {
    const done = await put(text());
    said.textContent = common(done ? "copied" : "copy.failed")();
    setTimeout(() => (said.textContent = ""), 2500);
  }
  return h("span", { class: "copying" }, button, said);
}

async function put(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return putByHand(text); // a page opened from a file has no clipboard in some browsers
  }
}

function putByHand(text: string): boolean {
  const area = h("textarea", { class: "visually-hidden", "aria-hidden": "true", tabindex: -1 });
  area.value = text;
  const focused = document.activeElement;
  document.body.append(area);
  area.select();
  const done = document.execCommand?.("copy") ?? false;
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return done;
}

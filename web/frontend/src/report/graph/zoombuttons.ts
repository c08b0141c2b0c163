import { h } from "../../shared/dom";
import { w } from "../i18n/words";
import type { Viewport } from "./viewport";

/** What the wheel and the keys do, for a pointer. */
export function zoomButtons(view: Viewport): HTMLElement {
  const button = (text: string | (() => string), label: () => string, press: () => void): HTMLElement =>
    h("button", { type: "button", "aria-label": label, title: label, onclick: press }, text);
  return h(
    "div",
    { class: "zoom", role: "group", "aria-label": w("zoom") },
    button("+", w("zoom.in"), view.in),
    button("−", w("zoom.out"), view.out),
    button(w("zoom.whole"), w("zoom.fit"), () => view.fit()),
  );
}

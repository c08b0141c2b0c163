// What the pointer is over, in a few words beside it. The panel says the same and more to those without a pointer.

import { fill, h, type Child } from "../../shared/dom";

let element: HTMLElement | null = null;

export function showTooltip(clientX: number, clientY: number, ...children: Child[]): void {
  element ??= document.body.appendChild(h("div", { class: "tooltip", "aria-hidden": "true" }));
  fill(element, ...children);
  element.hidden = false;
  const { offsetWidth: width, offsetHeight: height } = element;
  const left = clientX + 14 + width > innerWidth ? clientX - 14 - width : clientX + 14;
  const top = clientY + 16 + height > innerHeight ? clientY - 12 - height : clientY + 16;
  element.style.left = `${Math.max(4, left)}px`;
  element.style.top = `${Math.max(4, top)}px`;
}

export function hideTooltip(): void {
  if (element) element.hidden = true;
}

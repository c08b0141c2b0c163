// The place where files are dropped.

import { h } from "../../shared/dom";
import type { About } from "../data";
import { w } from "../i18n/words";
import { chooser, size } from "../parts";

export function dropZone(about: About, take: (files: readonly File[]) => unknown): HTMLElement {
  const zone = h(
    "div",
    { class: "drop" },
    h("p", { class: "here" }, w("drop.here")),
    h("p", { class: "quiet" }, w("drop.more", { size: size(about.upload_bytes) })),
    chooser(w("drop.choose"), (files) => void take(files)),
  );
  const over = (inside: boolean) => (event: DragEvent) => {
    event.preventDefault();
    zone.classList.toggle("over", inside);
  };
  zone.addEventListener("dragover", over(true));
  zone.addEventListener("dragleave", over(false));
  zone.addEventListener("drop", (event) => {
    over(false)(event);
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length) void take(files);
  });
  return h("div", null, h("h1", null, w("drop.title")), h("p", { class: "lead" }, w("drop.lead")), zone);
}

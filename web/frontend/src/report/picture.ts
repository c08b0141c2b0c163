// Pictures from the data: as images, so that no script, link or style in one reaches the page.

import { h } from "../shared/dom";
import { say } from "../shared/i18n/language";
import type { Picture } from "./data";

export function picture(one: Picture): HTMLElement {
  return h(
    "figure",
    { class: `picture ${one.kind}` },
    h("img", { src: `data:image/svg+xml;charset=utf-8,${encodeURIComponent(one.svg)}`, alt: say(one.title) }),
    h("figcaption", null, say(one.title)),
  );
}

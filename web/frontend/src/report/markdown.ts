// The Markdown of rule pages: headings, paragraphs, lists, code, tables as they are; everything as text nodes.

import { fill, h, type Child } from "../shared/dom";
import { onLanguage, say, type Text } from "../shared/i18n/language";

export function markdown(source: string): Child[] {
  const blocks = source.replace(/\r/g, "").split(/\n{2,}(?! {4})/);
  return blocks.map(block).filter(Boolean);
}

/** A text in the language of the page. */
export function prose(text: Text): HTMLElement {
  const place = h("div", { class: "prose" });
  const write = (): void => fill(place, markdown(say(text)()));
  onLanguage(write);
  write();
  return place;
}

function block(text: string): Child {
  if (!text.trim()) return null;
  const heading = /^(#{1,4}) (.*)$/.exec(text.trim());
  if (heading) return h("h5", null, inline(heading[2]!));
  if (/^( {4}|```|\|)/.test(text))
    return h("pre", { tabindex: 0 }, text.replace(/^ {4}/gm, "").replace(/^```.*\n?/gm, ""));
  if (/^[*-] /.test(text))
    return h(
      "ul",
      null,
      text.split(/\n(?=[*-] )/).map((item) => h("li", null, inline(item.slice(2).replace(/\n\s+/g, " ")))),
    );
  const code = text.search(/\n {4}/);
  if (code >= 0)
    return [
      h("p", null, inline(text.slice(0, code))),
      h("pre", { tabindex: 0 }, text.slice(code + 1).replace(/^ {4}/gm, "")),
    ];
  return h("p", null, inline(text.replace(/\n/g, " ")));
}

function inline(text: string): Child[] {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*|https?:\/\/[^\s)>,]+[^\s)>,.])/).map((part) => {
    if (part.startsWith("`") && part.length > 1) return h("code", null, part.slice(1, -1));
    if (part.startsWith("**") && part.length > 4) return h("strong", null, part.slice(2, -2));
    if (/^https?:\/\//.test(part)) return h("a", { href: part, rel: "noreferrer" }, part);
    return part;
  });
}

import { beforeEach, expect, test } from "vitest";
import { fill, h, refresh, s } from "../../src/shared/dom";

const HOSTILE = '</script><img src=x onerror="alert(1)">&amp;';

beforeEach(() => document.body.replaceChildren());

test("text is text, whatever it looks like", () => {
  const made = h("p", { title: HOSTILE }, HOSTILE, [HOSTILE, h("b", null, HOSTILE)]);
  expect(made.querySelector("img")).toBeNull();
  expect(made.textContent).toBe(HOSTILE.repeat(3));
  expect(made.getAttribute("title")).toBe(HOSTILE);
});

test("what is null, undefined or false is left out", () => {
  const made = h("p", { id: null, hidden: false, lang: undefined }, null, undefined, false, 0, "");
  expect(made.attributes.length).toBe(0);
  expect(made.textContent).toBe("0");
});

test("functions are asked again, as text and as attribute", () => {
  let word = "one";
  const made = h(
    "p",
    { "aria-label": () => word },
    () => word,
    " and ",
    () => word,
  );
  word = "two";
  refresh();
  expect(made.textContent).toBe("two and two");
  expect(made.getAttribute("aria-label")).toBe("two");
});

test("listeners listen", () => {
  let pressed = 0;
  h("button", { onclick: () => pressed++ }).click();
  expect(pressed).toBe(1);
});

test("drawings are drawings", () => {
  const made = s("svg", { viewBox: "0 0 1 1" }, s("text", null, HOSTILE));
  expect(made.namespaceURI).toBe("http://www.w3.org/2000/svg");
  expect(made.textContent).toBe(HOSTILE);
});

test("fill takes out what was there", () => {
  const made = h("p", null, "old");
  fill(made, "new", h("b", null, "!"));
  expect(made.innerHTML).toBe("new<b>!</b>");
});

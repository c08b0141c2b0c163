import { expect, test } from "vitest";
import { h } from "../../src/shared/dom";
import { quoted } from "../../src/report/inspector";
import { markdown } from "../../src/report/markdown";
import { marked, plain } from "../../src/report/sections/trials";

test("names are quoted as a shell takes them", () => {
  expect(quoted("/conv/Conv")).toBe("/conv/Conv");
  expect(quoted("it's $HOME; rm")).toBe(`'it'"'"'s $HOME; rm'`);
  expect(quoted("")).toBe("''");
  expect(quoted("层")).toBe("'层'");
});

test("Markdown of rule pages, and nothing of it is markup", () => {
  const text =
    "# Title\n\nA `code` <b>word</b>:\n\n    E RKNN <i>\n    more\n\n* one\n  goes on\n* two\n\nSee https://example.org/x.";
  const made = h("div", null, markdown(text));
  expect(made.querySelector("b, i")).toBeNull();
  expect(made.querySelector("h5")?.textContent).toBe("Title");
  expect(made.querySelector("code")?.textContent).toBe("code");
  expect(made.querySelector("pre")?.textContent).toBe("E RKNN <i>\nmore");
  expect([...made.querySelectorAll("li")].map((item) => item.textContent)).toEqual(["one goes on", "two"]);
  expect(made.querySelector("a")?.getAttribute("href")).toBe("https://example.org/x");
});

test("a log is shown as a terminal shows it", () => {
  expect(plain("\x1b[1;33mW\x1b[0m one\r\n 0%|  |\r50%|# |\r100%|##|\nend\r")).toBe("W one\n100%|##|\nend\r");
});

test("what was searched is marked wherever it stands, in any case", () => {
  const made = h("pre", null, marked("E RKNN: <b>\nfailed, e rknn", "e rknn"));
  expect([...made.querySelectorAll("mark")].map((one) => one.textContent)).toEqual(["E RKNN", "e rknn"]);
  expect(made.textContent).toBe("E RKNN: <b>\nfailed, e rknn");
  expect(made.querySelector("b")).toBeNull();
});

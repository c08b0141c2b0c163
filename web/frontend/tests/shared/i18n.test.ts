import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { en as reportEn } from "../../src/report/i18n/en";
import { zh as reportZh } from "../../src/report/i18n/zh";
import { h } from "../../src/shared/dom";
import { en } from "../../src/shared/i18n/en";
import { catalogue, chooseLanguage, firstLanguage, say, setLanguage } from "../../src/shared/i18n/language";
import { zh } from "../../src/shared/i18n/zh";

const CATALOGUES = { shared: [en, zh], report: [reportEn, reportZh] } as const;

beforeEach(() => localStorage.clear());
afterEach(() => {
  setLanguage("en");
  vi.restoreAllMocks();
});

test.each(Object.entries(CATALOGUES))("%s: both languages have the same labels", (_, [first, second]) => {
  expect(Object.keys(second).sort()).toEqual(Object.keys(first).sort());
  for (const [key, text] of Object.entries(second)) expect(text.trim(), key).not.toBe("");
});

test.each(Object.entries(CATALOGUES))("%s: both languages fill in the same", (_, [first, second]) => {
  const holes = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((hole) => hole[1]!).sort();
  for (const key of Object.keys(first) as Array<keyof typeof first>)
    expect(holes(second[key]), key).toEqual(holes(first[key]));
});

test("labels and sentences follow the language", () => {
  const words = catalogue({ rows: "{count} rows of {what}" }, { rows: "{what}的 {count} 行" });
  const made = h(
    "p",
    null,
    words("rows", { count: 2, what: say({ en: "it", zh: "它" }) }),
    "; ",
    say({ en: "yes", zh: "是" }),
  );
  expect(made.textContent).toBe("2 rows of it; yes");
  setLanguage("zh");
  expect(made.textContent).toBe("它的 2 行; 是");
  expect(document.documentElement.lang).toBe("zh-Hans");
});

test("a value with braces is not filled in again", () => {
  const words = catalogue({ x: "{a}" }, { x: "{a}" });
  expect(words("x", { a: "{b}", b: "no" })()).toBe("{b}");
});

test("first what was chosen, then what was asked for, then what the browser prefers", () => {
  vi.spyOn(navigator, "languages", "get").mockReturnValue(["fr", "zh-CN", "en"]);
  expect(firstLanguage()).toBe("zh");
  expect(firstLanguage("en")).toBe("en");
  chooseLanguage("zh");
  expect(firstLanguage("en")).toBe("zh");
});

test("a browser that does not store is no obstacle", () => {
  vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
    throw new Error("no");
  });
  vi.spyOn(Storage.prototype, "getItem").mockImplementation(() => {
    throw new Error("no");
  });
  chooseLanguage("zh");
  expect(document.documentElement.lang).toBe("zh-Hans");
  expect(firstLanguage("en")).toBe("en");
});

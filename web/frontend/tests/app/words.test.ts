import { expect, test } from "vitest";
import { en } from "../../src/app/i18n/en";
import { zh } from "../../src/app/i18n/zh";

const fields = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1] ?? "").sort();

test.each(Object.keys(en) as (keyof typeof en)[])("%s has the same fields in both languages", (key) => {
  expect(fields(zh[key])).toEqual(fields(en[key]));
  expect(zh[key]).not.toBe("");
});

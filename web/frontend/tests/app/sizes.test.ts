import { expect, test } from "vitest";
import type { Facts, InputFacts } from "../../src/app/data";
import { constantFields, sizeFields } from "../../src/app/views/sizes";

const input = (more: Partial<InputFacts>): InputFacts => ({
  name: "x",
  dtype: "float32",
  shape: [],
  dynamic: false,
  proposal: [],
  constant: false,
  ...more,
});
const facts = (...inputs: InputFacts[]): Facts => ({ inputs }) as unknown as Facts;

function type(field: HTMLInputElement | null | undefined, text: string): void {
  if (!field) throw new Error("no field");
  field.value = text;
  field.dispatchEvent(new Event("input"));
}

test("there is a field for each open axis, with what is proposed", () => {
  const made = sizeFields(
    facts(input({ shape: ["n", 3, null], dynamic: true, proposal: [1, 3, 640] }), input({ name: "fixed", shape: [4] })),
    () => {},
  );
  expect(made.element.querySelectorAll("input").length).toBe(2);
  expect(made.value()).toEqual({ x: [1, 3, 640] });
  expect(made.valid()).toBe(true);
});

test("axes of one name have one size", () => {
  const open = (name: string): InputFacts => input({ name, shape: ["batch", 8], dynamic: true, proposal: [1, 8] });
  const made = sizeFields(facts(open("a"), open("b")), () => {});
  type(made.element.querySelector("input"), "4");
  expect(made.value()).toEqual({ a: [4, 8], b: [4, 8] });
});

test.each(["0", "-1", "1.5", "", "x", "1e3", "99999999999"])("%s is no size", (text) => {
  const made = sizeFields(facts(input({ shape: ["n"], dynamic: true, proposal: [1] })), () => {});
  const field = made.element.querySelector("input");
  type(field, text);
  expect(made.valid()).toBe(false);
  expect(field?.getAttribute("aria-invalid")).toBe("true");
});

test("where not even the rank is known, the whole shape is written", () => {
  const made = sizeFields(facts(input({ shape: ["..."], dynamic: true, proposal: [1, 3, 640, 640] })), () => {});
  expect(made.value()).toEqual({ x: [1, 3, 640, 640] });
  type(made.element.querySelector("input"), "2 × 5");
  expect(made.valid()).toBe(true);
  expect(made.value()).toEqual({ x: [2, 5] });
});

test.each([
  ["16000", true],
  ["0.5, 0.5", true],
  ["-1,2e3", true],
  ["true", true],
  ["", true],
  ["/etc/passwd", false],
  ["a.npy", false],
  ["1,", false],
  ["1 2", false],
])("a constant may be %s: %s", (text, good) => {
  const made = constantFields(facts(input({ name: "sr", constant: true })), () => {});
  type(made.element.querySelector("input"), text);
  expect(made.valid()).toBe(good);
  if (good) expect(made.value()).toEqual(text ? { sr: text } : {});
});

test("nothing is asked for where nothing is open", () => {
  const made = [sizeFields(facts(input({ shape: [1] })), () => {}), constantFields(facts(input({})), () => {})];
  for (const one of made) expect(one.element.hasAttribute("hidden")).toBe(true);
});

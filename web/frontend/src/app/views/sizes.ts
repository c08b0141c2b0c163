// Fields for what a model leaves open: sizes of its inputs, and inputs that operators need as constants.

import { fill, h } from "../../shared/dom";
import type { Facts, InputFacts } from "../data";
import { w } from "../i18n/words";

const NUMBERS = /^([-+]?[0-9.]+([eE][-+]?[0-9]+)?(\s*,\s*(?!$)|$))+$|^(true|false)$/;

interface Fields<T> {
  readonly element: HTMLElement;
  value(): Readonly<Record<string, T>>;
  /** Whether all fields can be read; those that cannot are marked. */
  valid(): boolean;
}

/** One field for each open axis; axes of one name have one size. */
export function sizeFields(seen: Facts, changed: () => void): Fields<readonly number[]> {
  const open = seen.inputs.filter((input) => input.dynamic);
  const rows = open.map((input) => (input.shape[0] === "..." ? anyRank(input, changed) : axes(input, changed)));
  const note = h("p", { class: "complaint", role: "alert" });
  const fields = rows.flatMap((row) => row.fields);
  for (const { name, field } of fields)
    if (name)
      field.addEventListener("input", () => {
        for (const other of fields) if (other.name === name) other.field.value = field.value;
      });
  return {
    element: h(
      "fieldset",
      { hidden: !open.length },
      h("legend", null, w("sizes.title")),
      h("p", { class: "quiet" }, w("sizes.lead")),
      rows.map((row) => row.element),
      note,
    ),
    value: () => Object.fromEntries(rows.map((row) => [row.input, row.value()])),
    valid: () =>
      marked(
        rows.flatMap((row) => row.fields.map((one) => [one.field, row.valid(one.field)] as const)),
        note,
        w("sizes.bad"),
      ),
  };
}

/** One field for each input that operators need as a constant, empty at first. */
export function constantFields(seen: Facts, changed: () => void): Fields<string> {
  const wanted = seen.inputs.filter((input) => input.constant);
  const note = h("p", { class: "complaint", role: "alert" });
  const rows = wanted.map((input, place) => {
    const field = h("input", { id: `constant-${place}`, type: "text", maxlength: 4000, onchange: changed });
    return {
      name: input.name,
      field,
      element: h(
        "p",
        { class: "size" },
        h("label", { for: field.id }, w("constant.value", { name: input.name })),
        field,
      ),
    };
  });
  return {
    element: h(
      "fieldset",
      { hidden: !wanted.length },
      h("legend", null, w("constant.title")),
      h("p", { class: "quiet" }, w("constant.lead")),
      rows.map((row) => row.element),
      note,
    ),
    value: () =>
      Object.fromEntries(rows.filter((row) => row.field.value.trim()).map((row) => [row.name, row.field.value.trim()])),
    valid: () =>
      marked(
        rows.map(({ field }) => [field, !field.value.trim() || NUMBERS.test(field.value.trim())] as const),
        note,
        w("constant.bad"),
      ),
  };
}

interface Row {
  readonly input: string;
  readonly element: HTMLElement;
  readonly fields: ReadonlyArray<{ readonly name: string; readonly field: HTMLInputElement }>;
  value(): readonly number[];
  valid(field: HTMLInputElement): boolean;
}

function axes(input: InputFacts, changed: () => void): Row {
  const fields: { name: string; field: HTMLInputElement }[] = [];
  const parts = input.shape.map((size, axis) => {
    if (typeof size === "number") return { shown: h("span", { class: "fixed" }, String(size)), value: () => size };
    const field = h("input", {
      type: "number",
      min: 1,
      step: 1,
      value: input.proposal[axis] ?? 1,
      onchange: changed,
      "aria-label": w("sizes.axis", { name: input.name, axis }),
    });
    fields.push({ name: size ?? "", field });
    return {
      shown: h("span", { class: "open" }, size && h("small", null, size), field),
      value: () => Number(field.value),
    };
  });
  const shown = parts.flatMap((part, place) =>
    place ? [h("span", { class: "times", "aria-hidden": "true" }, "×"), part.shown] : [part.shown],
  );
  return {
    input: input.name,
    element: h("p", { class: "size" }, h("code", null, input.name), shown),
    fields,
    value: () => parts.map((part) => part.value()),
    valid: (field) => /^[1-9]\d{0,8}$/.test(field.value),
  };
}

function anyRank(input: InputFacts, changed: () => void): Row {
  const label = w("sizes.any", { name: input.name });
  const field = h("input", { type: "text", value: input.proposal.join("x"), "aria-label": label, onchange: changed });
  return {
    input: input.name,
    element: h("p", { class: "size" }, h("code", null, input.name), field),
    fields: [{ name: "", field }],
    value: () => field.value.split(/\s*[x×,*]\s*/).map(Number),
    valid: () => /^\s*[1-9]\d*(\s*[x×,*]\s*[1-9]\d*)*\s*$/.test(field.value),
  };
}

/** Marks what cannot be read. The note keeps its room, or a click on what stands below it would miss. */
function marked(
  fields: ReadonlyArray<readonly [HTMLInputElement, boolean]>,
  note: HTMLElement,
  why: () => string,
): boolean {
  for (const [field, good] of fields) field.setAttribute("aria-invalid", String(!good));
  const good = fields.every(([, one]) => one);
  fill(note, good ? null : why);
  return good;
}

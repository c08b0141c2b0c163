// The options of a conversion, with defaults that do for most.

import { fill, h } from "../../shared/dom";
import { choice } from "../../shared/switches";
import type { About, Asked, Dtype, Facts, Problem, Role, Sizes, StoredFile } from "../data";
import { w } from "../i18n/words";
import { chooser, problemBox, section, size } from "../parts";
import { constantFields, sizeFields } from "./sizes";

export interface OptionsForm {
  readonly element: HTMLElement;
  /** What is chosen. */
  asked(): Omit<Asked, "upload" | "language">;
  /** The files that are there. */
  files(files: readonly StoredFile[]): void;
  failed(problem: Problem): void;
}

interface Told {
  readonly changed: (sizes: Sizes) => void;
  readonly start: () => Promise<void>;
  readonly add: (role: Role, files: readonly File[]) => void;
}

export function optionsForm(about: About, seen: Facts, first: Sizes, told: Told): OptionsForm {
  let { target, dtype } = first;
  let stored: readonly StoredFile[] = [];
  const constants = constantFields(seen, changed);
  const shapes = sizeFields(seen, changed);
  const wrong = h("div", null);
  const calibration = h("div", null);
  const samples = h("span", { class: "quiet" });

  const targets: HTMLSelectElement = h(
    "select",
    { id: "target", onchange: (): void => ((target = targets.value), fit(), changed()) },
    about.targets.map((one) =>
      h(
        "option",
        { value: one.name, selected: one.name === target },
        w(one.cores > 1 ? "target.cores" : "target.core", { name: one.name, cores: one.cores }),
      ),
    ),
  );
  const dtypes = (): readonly Dtype[] => about.targets.find((one) => one.name === target)?.dtypes ?? ["fp16", "int8"];
  const numbers = choice<Dtype>(
    w("dtype"),
    [
      { value: "fp16", label: w("dtype.fp16") },
      { value: "int8", label: w("dtype.int8") },
    ],
    () => dtype,
    (value) => ((dtype = value), fit(), changed()),
  );
  const exactness = select("exactness", ["exact", "rounding", "bounded"] as const, "rounding");
  const level = h("input", { id: "level", type: "number", min: 0, max: 3, value: 3 });
  const mean = h("textarea", { id: "mean", rows: 2, placeholder: "123.675,116.28,103.53" });
  const std = h("textarea", { id: "std", rows: 2, placeholder: "58.395,57.12,57.375" });
  const explain = h("input", { id: "explain", type: "checkbox", checked: true });
  const seconds = h("input", {
    id: "seconds",
    type: "number",
    min: 10,
    max: 3600,
    value: 120,
    "aria-label": w("explain.label"),
  });
  const button = h("button", { type: "submit", class: "primary" }, w("start"));

  /** What the target has; and calibration data where they are needed. */
  function fit(): void {
    const has = dtypes();
    if (!has.includes(dtype)) dtype = has[0] ?? "fp16";
    [...numbers.querySelectorAll("button")].forEach(
      (one, place) => (one.disabled = !has.includes(place ? "int8" : "fp16")),
    );
    numbers.update();
    const mine = stored.filter((file) => file.role === "calibration");
    const sum = mine.reduce((all, file) => all + file.bytes, 0);
    fill(
      calibration,
      dtype === "int8" && [
        h("h3", null, w("calibration.title")),
        h("p", { class: "quiet" }, w("calibration.lead")),
        h(
          "p",
          { class: "actions" },
          chooser(
            w("calibration.choose"),
            (files) => told.add("calibration", files),
            true,
            ".npy,.npz,.zip,.jpg,.jpeg,.png,.bmp,.webp",
          ),
          h(
            "span",
            { class: "quiet", role: "status" },
            mine.length ? w("calibration.have", { count: mine.length, size: size(sum) }) : w("calibration.need"),
          ),
        ),
      ],
    );
    samples.textContent = stored.find((file) => file.role === "samples")?.name ?? "";
  }

  const sizes = (): Sizes => ({ target, dtype, inputs: shapes.value(), constants: constants.value() });

  function changed(): void {
    if (shapes.valid() && constants.valid()) told.changed(sizes());
  }

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    if (!shapes.valid() || !constants.valid()) return;
    button.disabled = true;
    fill(button, w("starting"));
    fill(wrong);
    await told.start();
    button.disabled = false;
    fill(button, w("start"));
  }

  const element = section(
    w("options.title"),
    h(
      "form",
      { onsubmit: (event: Event) => void submit(event) },
      h(
        "div",
        { class: "fields" },
        field("target", w("target"), targets),
        h("div", { class: "field" }, h("span", { class: "label" }, w("dtype")), numbers),
      ),
      calibration,
      shapes.element,
      constants.element,
      h("p", { class: "check" }, explain, h("label", { for: "explain" }, w("explain")), " ", seconds, " s"),
      h(
        "details",
        null,
        h("summary", null, w("more.title")),
        h(
          "div",
          { class: "fields" },
          field("exactness", w("exactness"), exactness),
          field("level", w("level"), level),
          field("mean", w("mean"), mean),
          field("std", w("std"), std),
          h(
            "div",
            { class: "field" },
            h("span", { class: "label" }, w("samples.title")),
            h(
              "span",
              { class: "actions" },
              chooser(w("samples.choose"), (files) => told.add("samples", files), false, ".npz"),
              samples,
            ),
          ),
        ),
      ),
      wrong,
      h("p", { class: "actions" }, button),
    ),
  );
  fit();
  const lines = (area: HTMLTextAreaElement): string[] =>
    area.value
      .split("\n")
      .map((line) => line.trim())
      .filter(Boolean);
  return {
    element,
    asked: () => ({
      ...sizes(),
      exactness: exactness.value as Asked["exactness"],
      optimization_level: Number(level.value),
      mean: lines(mean),
      std: lines(std),
      explain_seconds: explain.checked ? Number(seconds.value) : 0,
    }),
    files: (files) => ((stored = [...files]), fit()),
    failed: (problem) => fill(wrong, problemBox(problem)),
  };
}

const field = (id: string, label: () => string, control: HTMLElement): HTMLElement =>
  h("div", { class: "field" }, h("label", { for: id }, label), control);

function select<T extends "exact" | "rounding" | "bounded">(
  id: "exactness",
  values: readonly T[],
  first: T,
): HTMLSelectElement {
  return h(
    "select",
    { id },
    values.map((value) => h("option", { value, selected: value === first }, w(`${id}.${value}`))),
  );
}

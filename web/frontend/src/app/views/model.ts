// A model: dropped, sent, looked at; then the options, and off it goes.

import { fill, h } from "../../shared/dom";
import { language } from "../../shared/i18n/language";
import { remember, remembered } from "../../shared/preference";
import * as api from "../api";
import type { About, Facts, Problem, Role, Sizes, StoredFile } from "../data";
import { w, words } from "../i18n/words";
import type { View } from "../main";
import { chooser, problemBox, section, size } from "../parts";
import { dropZone } from "./drop";
import { facts as factsCard } from "./facts";
import { findings } from "./findings";
import { optionsForm } from "./options";

/** A pause after which changed options are looked at anew. */
const PAUSE = 300;

export function modelView(about: About, given: string | null): View {
  const top = h("div", null);
  const card = h("div", null);
  const checked = h("div", { "aria-live": "polite", "aria-busy": "false" });
  const below = h("div", null);
  const element = h("div", { class: "view" }, top, card, below, checked);
  let id = given;
  let files: StoredFile[] = [];
  let form: ReturnType<typeof optionsForm> | null = null;
  let waiting: ReturnType<typeof setTimeout> | undefined;
  let asking = 0;

  const fail = (problem: Problem): void => fill(top, dropZone(about, take), problemBox(problem));

  const defaults = (): Sizes => {
    const before = remembered("target");
    const target =
      about.targets.find((one) => one.name === before) ?? about.targets.find((one) => one.name === "rk3588");
    return {
      target: target?.name ?? "rk3588",
      dtype: target?.dtypes.includes("fp16") ? "fp16" : "int8",
      inputs: {},
      constants: {},
    };
  };

  /** Refuses what the server would refuse, before it is sent. */
  const tooLarge = (more: readonly File[]): Problem | null => {
    const all = files.reduce((sum, file) => sum + file.bytes, 0) + more.reduce((sum, file) => sum + file.size, 0);
    if (all <= about.upload_bytes) return null;
    const largest = [...more].sort((a, b) => b.size - a.size)[0];
    const values = { name: largest?.name ?? "", size: size(largest?.size ?? 0), most: size(about.upload_bytes) };
    const filled = (text: string): string => text.replace(/\{(\w+)\}/g, (_, key: keyof typeof values) => values[key]);
    const { en, zh } = words("too.large");
    return { message: { en: filled(en), zh: filled(zh) }, hint: words("too.large.hint"), rule: "" };
  };

  const send = async (role: Role, file: File): Promise<void> => {
    if (id === null) id = (await api.newUpload()).id;
    const bar = h("progress", { max: 1, value: 0, "aria-label": w("sending", { name: file.name }) });
    fill(top, h("p", { class: "sending" }, w("sending", { name: file.name }), bar));
    const stored = await api.sendFile(id, role, file, (share) => (bar.value = share));
    if (role === "model" || role === "samples") files = files.filter((one) => one.role !== role);
    files.push(stored);
  };

  /** Takes what was dropped or chosen: one model, and files with its weights. */
  async function take(dropped: readonly File[]): Promise<void> {
    const models = dropped.filter((file) => /\.onnx$/i.test(file.name));
    const alone = dropped.length === 1 ? dropped : models;
    if (alone.length !== 1)
      return fail({ message: words(alone.length ? "drop.two" : "drop.none"), hint: { en: "", zh: "" }, rule: "" });
    id = null;
    files = [];
    const problem = tooLarge(dropped);
    if (problem) return fail(problem);
    try {
      for (const file of dropped) await send(alone.includes(file) ? "model" : "data", file);
      history.replaceState(null, "", `#/upload/${id ?? ""}`); // a reload comes back to it
      await look(defaults());
    } catch (error) {
      fail(api.problemOf(error));
    }
  }

  /** Sends further files of a model that is there already. */
  const add = async (role: Role, more: readonly File[]): Promise<void> => {
    const problem = tooLarge(more);
    if (problem) return fill(top, head(), problemBox(problem));
    try {
      for (const file of more) await send(role, file);
      fill(top, head());
      if (role === "data") await look(defaults());
      else form?.files(files);
    } catch (error) {
      fill(top, head(), problemBox(api.problemOf(error)));
    }
  };

  const head = (): HTMLElement => {
    const model = files.find((file) => file.role === "model");
    return h(
      "div",
      { class: "subject" },
      h("h1", null, model?.name ?? ""),
      h("a", { href: "#/", class: "button", onclick: () => location.hash === "#/" && location.reload() }, w("another")),
    );
  };

  /** Looks at the model as the options have it; only the answer to the last question counts. */
  async function look(sizes: Sizes): Promise<void> {
    if (id === null) return;
    const mine = ++asking;
    checked.setAttribute("aria-busy", "true");
    if (!form) fill(top, head(), h("p", { class: "quiet", role: "status" }, w("looking")));
    try {
      const { target, dtype, inputs, constants } = sizes;
      const seen = await api.inspect(id, { target, dtype, inputs, constants });
      if (mine !== asking) return;
      fill(top, head());
      show(seen, sizes);
    } catch (error) {
      if (mine !== asking) return;
      if (form) fill(checked, problemBox(api.problemOf(error)));
      else fail(api.problemOf(error));
    }
    checked.setAttribute("aria-busy", "false");
  }

  function show(seen: Facts, sizes: Sizes): void {
    if (seen.missing_data.length) {
      const choose = chooser(w("missing.choose"), (more) => void add("data", more));
      fill(
        card,
        section(w("missing.title"), h("p", null, w("missing.lead", { names: seen.missing_data.join(", ") })), choose),
      );
      return;
    }
    fill(checked, findings(seen, sizes));
    if (form) return;
    fill(card, factsCard(seen));
    form = optionsForm(about, seen, sizes, { changed, start, add: (role, more) => void add(role, more) });
    form.files(files);
    fill(below, form.element);
    if (seen.unchecked.length) void look(form.asked()); // with the sizes that are proposed
  }

  function changed(sizes: Sizes): void {
    remember("target", sizes.target);
    clearTimeout(waiting);
    waiting = setTimeout(() => void look(sizes), PAUSE);
  }

  async function start(): Promise<void> {
    if (!form || id === null) return;
    try {
      const run = await api.start({ ...form.asked(), upload: id, language: language() });
      location.hash = `#/run/${run.id}`;
    } catch (error) {
      form.failed(api.problemOf(error));
    }
  }

  const begin = async (): Promise<void> => {
    if (given === null) return fill(top, dropZone(about, take));
    try {
      files = [...(await api.upload(given)).files];
      await look(defaults());
    } catch (error) {
      fail(api.problemOf(error));
    }
  };
  void begin();
  return { element, title: w("drop.title"), leave: () => clearTimeout(waiting) };
}

import { expect, test } from "vitest";
import type { RunInList, TrialEvent } from "../../src/app/data";
import { story } from "../../src/app/views/story";
import { setLanguage } from "../../src/shared/i18n/language";

const both = (text: string): { en: string; zh: string } => ({ en: text, zh: `${text}。` });
const trial = (number: number, more: Partial<TrialEvent> = {}): TrialEvent => ({
  kind: "trial",
  number,
  label: both(`trial ${number}`),
  ...more,
});
const ended = {
  outcome: "aborted",
  converted: false,
  seconds: 1.5,
  remembered: false,
  signature: "build: <b>SIGABRT</b>",
  cycles: null,
};
const run = (state: string): RunInList => ({ state, status: "" }) as unknown as RunInList;

test("trials stand below their stage, and change when they end", () => {
  const told = story();
  told.add({ kind: "step", text: both("trying") });
  told.add(trial(1));
  told.add(trial(2));
  told.add(trial(2, { ...ended, outcome: "converted", converted: true, signature: "", cycles: 1200 }));
  told.add(trial(1, ended));
  told.add({ kind: "step", text: both("verifying") });
  told.add(trial(3));
  const stages = [...told.element.querySelectorAll(".stages > li")];
  expect(stages.map((stage) => stage.querySelectorAll(".trial").length)).toEqual([2, 1]);
  expect([...told.element.querySelectorAll(".trial")].map((item) => item.className)).toEqual([
    "trial bad",
    "trial good",
    "trial busy",
  ]);
  expect(told.element.querySelector(".facts b, .signature b")).toBeNull();
  expect(told.element.textContent).toContain("1,200 cycles");
});

test("what still runs when a run is over has ended", () => {
  const told = story();
  told.add(trial(1));
  told.state(run("running"));
  expect(told.element.querySelectorAll(".busy").length).toBe(1);
  told.state(run("cancelled"));
  expect(told.element.querySelectorAll(".busy").length).toBe(0);
  expect(told.element.querySelector("[role=status]")?.hasAttribute("hidden")).toBe(true);
});

test("progress within a stage is one line that is told anew", () => {
  const told = story();
  told.add({ kind: "step", text: both("explaining") });
  for (const nodes of [9, 4]) told.add({ kind: "explain", nodes, run: 2, remembered: 1, text: both("nodes") });
  expect(told.element.querySelectorAll(".stages p").length).toBe(1);
  expect(told.element.querySelector(".stages p")?.textContent).toContain("still fails: 4");
});

test("the story follows the language", () => {
  const told = story();
  told.add({ kind: "step", text: both("trying") });
  told.add(trial(1, {}));
  told.add(trial(1, ended));
  setLanguage("zh");
  expect(told.element.textContent).toContain("trying。");
  expect(told.element.textContent).toContain("异常终止");
  setLanguage("en");
});

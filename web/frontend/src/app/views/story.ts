// The story of a run as it unfolds: stages, and the trials of each.

import { fill, h } from "../../shared/dom";
import { say } from "../../shared/i18n/language";
import { seconds, whole } from "../../shared/format";
import { UNDER_WAY, type RunEvent, type RunInList, type TrialEvent } from "../data";
import { w, type Word } from "../i18n/words";

export interface Story {
  readonly element: HTMLElement;
  add(event: RunEvent): void;
  state(run: RunInList): void;
}

export function story(): Story {
  const now = h("p", { class: "now", role: "status" }, w("now.preparing"));
  const stages = h("ol", { class: "stages" });
  const title = h("h2", null, w("story.title"));
  const element = h("section", { class: "card story-card" }, title, now, stages);
  const running = new Map<number, HTMLElement>();
  let trials: HTMLElement | null = null;
  let line: HTMLElement | null = null;
  let over = false;

  function stage(text: () => string): HTMLElement {
    trials = null;
    line = null;
    const made = h("li", null, h("span", { class: "stage" }, text));
    stages.append(made);
    return made;
  }

  const last = (): HTMLElement => (stages.lastElementChild as HTMLElement | null) ?? stage(w("now.preparing"));

  function trial(event: TrialEvent): void {
    if (event.outcome !== undefined) {
      running.get(event.number)?.replaceWith(ended(event));
      running.delete(event.number);
      return;
    }
    const under = last();
    if (!trials) under.append((trials = h("ul", { class: "trials" })));
    const made = h(
      "li",
      { class: "trial busy" },
      h("span", { class: "mark", "aria-hidden": "true" }),
      h("span", { class: "label" }, say(event.label)),
      h("span", { class: "outcome" }, w("trial.running")),
    );
    running.set(event.number, made);
    trials.append(made);
    if (!over) fill(now, w("now.trial", { label: say(event.label) }));
  }

  /** One line of the stage that is told anew. */
  function rewrite(...parts: (string | (() => string) | HTMLElement)[]): void {
    const under = last();
    if (!line) under.append((line = h("p", { class: "quiet" })));
    fill(line, parts);
  }

  return {
    element,
    add(event) {
      if (event.kind === "step") {
        stage(say(event.text));
        if (!over) fill(now, say(event.text));
      } else if (event.kind === "trial") trial(event);
      else if (event.kind === "install") rewrite(say(event.text), " ", h("progress", { max: 1, value: event.done }));
      else
        rewrite(
          w("explaining", { nodes: event.nodes, run: event.run, remembered: event.remembered }),
          " · ",
          say(event.text),
          over ? "" : h("span", { class: "keeps" }, w("explaining.keeps")),
        );
    },
    state(run) {
      over = !UNDER_WAY.has(run.state);
      now.hidden = over;
      fill(title, w(over ? "story.over" : "story.title"));
      element.classList.toggle("over", over);
      if (run.state === "queued") fill(now, w("now.waiting"));
      if (!over) return;
      for (const keeps of element.querySelectorAll(".keeps")) keeps.remove();
      for (const item of running.values()) {
        item.className = "trial";
        const outcome = item.querySelector(".outcome");
        if (outcome) fill(outcome, w("trial.dropped"));
      }
      running.clear();
    },
  };
}

function ended(event: TrialEvent): HTMLElement {
  const good = event.converted === true;
  const facts = [
    typeof event.cycles === "number" && w("trial.cycles", { cycles: whole(event.cycles) }),
    event.remembered ? w("trial.remembered") : seconds(event.seconds ?? 0),
  ].filter((one) => one !== false);
  return h(
    "li",
    { class: `trial ${good ? "good" : "bad"}` },
    h("span", { class: "mark", "aria-hidden": "true" }, good ? "✓" : "✗"),
    h("span", { class: "label" }, say(event.label)),
    h("span", { class: "outcome" }, w(`outcome.${event.outcome ?? ""}` as Word)),
    h(
      "span",
      { class: "facts" },
      facts.map((fact, place) => [place > 0 && " · ", fact]),
    ),
    event.signature ? h("code", { class: "signature" }, event.signature) : null,
  );
}

// A run: what happens in it, and what came of it.

import { fill, h } from "../../shared/dom";
import * as api from "../api";
import { UNDER_WAY, type Run, type RunEvent, type Runs } from "../data";
import { w } from "../i18n/words";
import type { View } from "../main";
import { badge, duration, problemBox, size, when } from "../parts";
import { result } from "./result";
import { story } from "./story";

export function runView(id: string): View {
  const top = h("div", null);
  const outcome = h("div", null);
  const told = story();
  const element = h("div", { class: "view" }, top, outcome, told.element);
  let run: Run | null = null;
  let known = "";
  const clock = setInterval(() => run && UNDER_WAY.has(run.state) && tick(run), 1000);
  const took = h("span", null);

  const tick = (now: Run): void => {
    took.textContent = duration(now.created, now.ended || new Date().toISOString());
  };

  async function load(): Promise<void> {
    try {
      run = await api.run(id);
      show(run);
    } catch (error) {
      fill(top, problemBox(api.problemOf(error)));
    }
  }

  function show(now: Run): void {
    tick(now);
    told.state(now);
    const key = `${now.state} ${now.place}`;
    if (key === known) return; // the list changed, not this run: what is focused stays
    known = key;
    fill(top, head(now));
    fill(
      outcome,
      UNDER_WAY.has(now.state) ? null : [now.problem && problemBox(now.problem), now.state === "done" && result(now)],
    );
  }

  function head(now: Run): HTMLElement {
    const waits = now.state === "queued" && now.place > 0;
    return h(
      "div",
      { class: "subject" },
      h("h1", null, now.name),
      badge(now),
      UNDER_WAY.has(now.state)
        ? h(
            "button",
            {
              type: "button",
              class: "danger",
              onclick: (event: Event) => void cancel(event.currentTarget as HTMLButtonElement),
            },
            w("cancel"),
          )
        : [
            h("a", { class: "button", href: `#/upload/${now.asked.upload}` }, w("again.title")),
            h("button", { type: "button", onclick: () => void remove(now) }, w("delete")),
          ],
      h(
        "p",
        { class: "quiet" },
        w("run.for", { target: now.asked.target, dtype: now.asked.dtype }),
        " · ",
        w("run.started"),
        " ",
        h("time", { datetime: now.created }, when(now.created)),
        " · ",
        w(UNDER_WAY.has(now.state) ? "run.so.far" : "run.took"),
        " ",
        took,
        waits && [" · ", w("queue.place", { count: now.place })],
      ),
    );
  }

  async function cancel(button: HTMLButtonElement): Promise<void> {
    button.disabled = true;
    fill(button, w("cancelling"));
    try {
      await api.cancel(id);
    } catch {
      await load(); // it was over already
    }
  }

  async function remove(now: Run): Promise<void> {
    if (!confirm(w("delete.sure", { size: size(now.bytes) })())) return;
    try {
      await api.remove(id);
      location.hash = "#/";
    } catch (error) {
      fill(outcome, problemBox(api.problemOf(error)));
    }
  }

  void load();
  return {
    element,
    title: () => run?.name ?? "",
    onEvent: (event: RunEvent) => told.add(event),
    onOver: () => void load(),
    onRuns: (_runs: Runs) => void load(),
    leave: () => clearInterval(clock),
  };
}

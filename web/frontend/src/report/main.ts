// Makes the report from the data in the page.

import "../shared/tokens.css";
import "../shared/base.css";
import "./page.css";
import { fill, h } from "../shared/dom";
import { firstLanguage, onLanguage, setLanguage } from "../shared/i18n/language";
import { startTheme } from "../shared/theme";
import { unfit, unpack, type Node, type PageData, type Which } from "./data";
import { frame } from "./frame";
import { w } from "./i18n/words";
import { startPrinting } from "./print";
import { cause } from "./sections/cause";
import { culprit } from "./sections/culprit";
import { findings } from "./sections/findings";
import { hardware } from "./sections/hardware";
import { mends } from "./sections/mends";
import { network } from "./sections/network";
import { reproduce, surroundings } from "./sections/surroundings";
import { trials } from "./sections/trials";
import { verdict } from "./sections/verdict";
import { verification } from "./sections/verification";

function build(place: HTMLElement, data: PageData): void {
  const chart = network(data);
  const find = chart && ((which: Which, node: Node): void => chart.find(which, node));
  const sections = [
    verdict(data),
    find && culprit(data, find),
    chart?.element,
    cause(data),
    mends(data, find),
    hardware(data),
    verification(data, find),
    findings(data, find),
    trials(data),
    reproduce(data),
    surroundings(data),
  ].filter((one) => one instanceof HTMLElement);
  fill(place, frame(data, sections));
  const title = w("title", { model: data.report.model.path.split(/[/\\]/).at(-1) ?? "" });
  onLanguage(() => (document.title = title()));
  document.title = title();
  void (chart?.start() ?? Promise.resolve()).then(() => {
    performance.mark("rkmend:interactive");
    place.dataset["interactive"] = "";
  });
}

/** A link to something that is folded opens it. */
function unfold(): void {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) target.open = true;
}

async function start(): Promise<void> {
  startTheme();
  const place = document.getElementById("page");
  const packed = document.getElementById("data");
  if (!place || !packed) return;
  try {
    const data = await unpack(packed);
    const why = unfit(data);
    if (why) throw new Error(why);
    setLanguage(firstLanguage(data.language));
    build(place, data);
    startPrinting();
    addEventListener("hashchange", unfold);
    unfold();
  } catch (error) {
    setLanguage(firstLanguage());
    const old = typeof DecompressionStream === "undefined";
    const story = document.querySelector("noscript")?.textContent ?? "";
    fill(
      place,
      h("p", { class: "note" }, old ? w("old") : w("broken", { why: String(error) })),
      h("pre", null, story.replace(/<[^>]*>/g, "")),
    );
  }
}

void start();

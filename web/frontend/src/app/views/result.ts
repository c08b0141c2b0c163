// What came of a run: the verdict, the report, the files.

import { h } from "../../shared/dom";
import { say } from "../../shared/i18n/language";
import type { Run } from "../data";
import { w } from "../i18n/words";
import { section, size, stateOf, table } from "../parts";

export function result(run: Run): HTMLElement {
  const { word, tone } = stateOf(run);
  const rknn = run.files.find((file) => /^[^/]+\.rknn$/.test(file.name));
  const rows = run.files
    .filter((file) => !file.name.startsWith("trials/"))
    .map((file) => [h("a", { href: file.url, download: true }, file.name), size(file.bytes)]);
  return section(
    w("result.title"),
    h("p", { class: `verdict ${tone}` }, h("strong", null, w(word)), run.headline ? ["  ", say(run.headline)] : null),
    h(
      "p",
      { class: "actions" },
      run.report
        ? h("a", { class: "button primary", href: run.report, target: "_blank", rel: "noopener" }, w("result.report"))
        : h("span", { class: "quiet" }, w("result.no.report")),
      rknn && h("a", { class: "button", href: rknn.url, download: true }, w("result.rknn")),
      run.files.length > 0 &&
        h("a", { class: "button", href: `/api/runs/${run.id}/all.zip`, download: true }, w("result.all")),
    ),
    h(
      "details",
      null,
      h("summary", null, w("result.files")),
      table([w("column.file"), w("column.size")], rows, w("result.files")),
    ),
    run.story &&
      h("details", null, h("summary", null, w("result.story")), h("pre", { class: "story" }, say(run.story))),
  );
}

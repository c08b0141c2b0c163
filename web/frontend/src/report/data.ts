// What the page is made from: src/rkmend/report/page/record.py and the records it names, mirrored by hand. Only the
// fields that the page reads stand here.

import type { Language, Text } from "../shared/i18n/language";

export type { Language, Text };
export type Which = "original" | "mended";
export type Role = "" | "culprit" | "replaced" | "new" | "changed" | "finding" | "tail";
export type Level = "error" | "warning" | "advice";

export interface PageFile {
  readonly kind: string;
  readonly name: string;
  readonly bytes: number;
  readonly href: string;
}

export interface Headline {
  readonly status: string;
  readonly text: Text;
  readonly files: readonly PageFile[];
}

export interface Comparison {
  readonly key: string;
  readonly what: Text;
  readonly before: Text | null;
  readonly after: Text | null;
  readonly better: boolean | null;
}

export interface Value {
  readonly name: string;
  readonly dtype: string;
  readonly shape: string;
  readonly constant: boolean;
  readonly bytes: number;
}

export interface Node {
  readonly id: number;
  readonly name: string;
  readonly op: string;
  readonly domain: string;
  readonly inputs: ReadonlyArray<number | null>;
  readonly outputs: ReadonlyArray<number | null>;
  readonly attributes: ReadonlyArray<readonly [string, string]>;
  readonly role: Role;
  readonly rule: string;
  readonly origin: string;
  readonly module: string;
  readonly findings: readonly number[];
  readonly layer: number | null;
  readonly plan: number | null;
  readonly error: number | null;
}

export interface Graph {
  readonly nodes: readonly Node[];
  readonly values: readonly Value[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

export interface Graphs {
  readonly original: Graph | null;
  readonly mended: Graph | null;
}

export interface LayerRow {
  readonly which: Which;
  readonly op: string;
  readonly name: string;
  readonly dtype: string;
  readonly target: string;
  readonly input_shapes: string;
  readonly output_shape: string;
  readonly cycles_ddr: number;
  readonly cycles_npu: number;
  readonly cycles: number;
  readonly rw_kb: number;
  readonly nodes: readonly number[];
}

export interface PlanRow {
  readonly which: Which;
  readonly node: number;
  readonly kind: string;
  readonly into: number | null;
  readonly fused: readonly string[];
  readonly input: string;
  readonly output: string;
  readonly kernel: string;
  readonly stride: string;
  readonly dilation: string;
  readonly pads: string;
  readonly groups: number;
  readonly banks: string;
  readonly rows: number;
  readonly bands: number;
  readonly tiles: number;
  readonly chunk: number;
  readonly chunks: number;
  readonly cores: number;
  readonly shared: string;
  readonly unsplit: string;
  readonly macs: number;
  readonly utilisation: number | null;
  readonly input_bytes: number;
  readonly weight_bytes: number;
  readonly output_bytes: number;
  readonly cycles_ddr: number | null;
  readonly cycles_npu: number | null;
  readonly cycles: number | null;
  readonly bound: string;
  readonly live_bytes: number;
  readonly picture: number | null;
}

export interface ErrorRow {
  readonly which: Which;
  readonly node: number | null;
  readonly tensor: string;
  readonly operator: string;
  readonly reference: string;
  readonly cosine: number | null;
  readonly max_abs: number | null;
  readonly max_rel: number | null;
  readonly single_cosine: number | null;
  readonly ok: boolean;
  readonly source: boolean;
}

export interface RuleText {
  readonly code: string;
  readonly name: string;
  readonly level: string;
  readonly title: Text;
  readonly what: Text;
  readonly does: Text;
  readonly page: string;
}

export interface Picture {
  readonly id: string;
  readonly kind: "frontier" | "tiling" | "roofline";
  readonly which: Which;
  readonly title: Text;
  readonly svg: string;
}

export interface Log {
  readonly folder: string;
  readonly text: string;
  readonly bytes: number;
  readonly cut: boolean;
}

export interface Fact {
  readonly name: string;
  readonly value: string;
}

export interface Command {
  readonly title: Text;
  readonly command: string;
}

export interface NodeCommand {
  readonly title: Text;
  readonly which: Which;
  readonly before: string;
  readonly after: string;
}

export interface MendText {
  readonly summary: Text;
  readonly exactness: Text;
  readonly proof: Text;
  readonly does_not_cover: Text;
  readonly cost: Text;
  readonly alternatives: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
}

export interface Told {
  readonly findings: readonly Text[];
  readonly mends: readonly MendText[];
  readonly rejected_mends: readonly Text[];
  readonly verification: readonly Text[];
  readonly interface: readonly Text[];
  readonly trials: readonly Text[];
  readonly notes: readonly Text[];
  readonly experiments: readonly Text[];
}

export interface Found {
  readonly code: string;
  readonly name: string;
  readonly level: Level;
  readonly nodes: readonly string[];
  readonly message: string;
  readonly mend: { readonly name: string; readonly summary: string; readonly exactness: string } | null;
}

export interface Signature {
  readonly stage: string;
  readonly kind: string;
  readonly message: string;
}

export interface Proof {
  readonly kind: string;
  readonly holds: boolean;
  readonly inputs: string;
  readonly max_abs: number | null;
  readonly max_rel: number | null;
}

export interface AppliedMend {
  readonly code: string;
  readonly name: string;
  readonly nodes: readonly string[];
  readonly exactness: string;
  readonly proof: Proof;
  readonly cycles_after: number | null;
  readonly chip_cycles_after: number | null;
  readonly cpu_ops_after: number | null;
  readonly trials_converted: number;
  readonly trials_run: number;
}

export interface RejectedMend {
  readonly code: string;
  readonly name: string;
  readonly nodes: readonly string[];
  readonly exactness: string;
  readonly cycles: number | null;
  readonly chip_cycles: number | null;
  readonly cpu_ops: number | null;
}

export interface OutputAgreement {
  readonly output: string;
  readonly sample: string;
  readonly cosine: number | null;
  readonly max_abs: number | null;
  readonly max_rel: number | null;
}

export interface Tolerance {
  readonly dtype: string;
  readonly cosine: number;
  readonly max_rel: number;
  readonly reason: string;
}

export interface OutputCheck {
  readonly output: string;
  readonly cosine: number | null;
  readonly max_abs: number | null;
  readonly max_rel: number | null;
  readonly tolerance: Tolerance;
  readonly ok: boolean;
  readonly samples: readonly OutputAgreement[];
  readonly explained_by: string;
}

export interface Experiment {
  readonly group: string;
  readonly change: string;
  readonly outcome: string;
  readonly exactness: string;
  readonly reason: string;
}

export interface Cause {
  readonly established: boolean;
  readonly text: string;
  readonly text_zh: string;
  readonly confirmed_on: { readonly agreed: number; readonly total: number; readonly drawn: string } | null;
  readonly without_influence: readonly string[];
  readonly experiments: readonly Experiment[];
  readonly trials: number;
  readonly seconds: number;
}

export interface Layerwise {
  readonly sample: string;
  readonly largest_loss: string;
  readonly why_not_all: string;
}

export interface TrialFacts {
  readonly label: string;
  readonly folder: string;
  readonly outcome: string;
  readonly seconds: number;
  readonly signature: Signature | null;
  readonly cached: boolean;
}

/** The fields of report.json that the page reads. */
export interface Conversion {
  readonly model: { readonly path: string; readonly sha256: string; readonly nodes: number; readonly opset: number };
  readonly target: string;
  readonly toolkit: { readonly version: string } | null;
  readonly status: string;
  readonly findings: ReadonlyArray<{ readonly code: string }>;
  readonly mends: readonly AppliedMend[];
  readonly rejected_mends: readonly RejectedMend[];
  readonly verification: readonly OutputCheck[];
  readonly layerwise?: Layerwise | null;
  readonly cause: Cause | null;
  readonly trials: readonly TrialFacts[];
  readonly seconds: number;
}

export interface PageData {
  readonly schema: string;
  readonly language: Language;
  readonly made: string;
  readonly rkmend: string;
  readonly headline: Headline;
  readonly texts: Readonly<Record<string, Text>>;
  readonly told: Told;
  readonly compare: readonly Comparison[];
  readonly report: Conversion;
  readonly graphs: Graphs;
  readonly focus: Readonly<Partial<Record<Which, readonly number[]>>>;
  readonly layers: readonly LayerRow[];
  readonly plans: readonly PlanRow[];
  readonly errors: readonly ErrorRow[];
  readonly findings: readonly Found[];
  readonly finding_texts: readonly Text[];
  readonly rules: Readonly<Record<string, RuleText>>;
  readonly pictures: readonly Picture[];
  readonly logs: readonly Log[];
  readonly environment: readonly Fact[];
  readonly reproduce: readonly Command[];
  readonly node_commands: readonly NodeCommand[];
  readonly notes: readonly Text[];
}

/** What stands in the page: gzip and base64, or plain JSON. */
export async function unpack(element: HTMLElement): Promise<PageData> {
  const text = element.textContent ?? "";
  return JSON.parse(element.dataset["packing"] === "gzip" ? await inflated(text) : text) as PageData;
}

async function inflated(packed: string): Promise<string> {
  const bytes = Uint8Array.from(atob(packed.trim()), (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

const REQUIRED = ["headline", "report", "graphs", "told", "texts"] as const;

/** Why a page cannot be shown, or nothing. A page and its script come in one file, so only a broken file gets here. */
export function unfit(data: PageData): string {
  if (data.schema !== "rkmend-page/1") return `schema ${data.schema}`;
  return REQUIRED.filter((field) => !(field in data)).join(", ");
}

// What the server says: the records of src/rkmend/web, by hand. docs/serve.md describes the routes.

import type { Text } from "../shared/i18n/language";

export interface Target {
  readonly name: string;
  readonly cores: number;
  readonly dtypes: readonly Dtype[];
  readonly description: string;
}

export interface About {
  readonly version: string;
  readonly toolkit: string;
  readonly targets: readonly Target[];
  readonly upload_bytes: number;
  readonly log_bytes: number;
  readonly data: string;
}

export interface Problem {
  readonly message: Text;
  readonly hint: Text;
  readonly rule: string;
}

export type Dtype = "fp16" | "int8";
export type Role = "model" | "data" | "calibration" | "samples";

export interface StoredFile {
  readonly role: Role;
  readonly name: string;
  readonly bytes: number;
}

export interface Upload {
  readonly id: string;
  readonly files: readonly StoredFile[];
}

/** A size, the name of a symbolic size, or null; `["..."]` where not even the rank is known. */
export type Shape = ReadonlyArray<number | string | null>;

export interface InputFacts {
  readonly name: string;
  readonly dtype: string;
  readonly shape: Shape;
  readonly dynamic: boolean;
  readonly proposal: readonly number[];
  readonly constant: boolean;
}

export type Level = "error" | "warning" | "advice";

export interface Finding {
  readonly code: string;
  readonly name: string;
  readonly level: Level;
  readonly message: Text;
  readonly mend: Text | null;
  readonly nodes: readonly string[];
  readonly operators: readonly string[];
}

export interface Facts {
  readonly missing_data: readonly string[];
  readonly opset: number;
  readonly ir_version: number;
  readonly producer: string;
  readonly nodes: number;
  readonly operators: ReadonlyArray<readonly [string, number]>;
  readonly inputs: readonly InputFacts[];
  readonly outputs: readonly InputFacts[];
  readonly unchecked: readonly Problem[];
  readonly findings: readonly Finding[];
  readonly counts: Readonly<Partial<Record<Level, number>>>;
}

/** For what a model is looked at. */
export interface Sizes {
  readonly target: string;
  readonly dtype: Dtype;
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly constants: Readonly<Record<string, string>>;
}

export interface Asked extends Sizes {
  readonly upload: string;
  readonly exactness: "exact" | "rounding" | "bounded";
  readonly optimization_level: number;
  readonly mean: readonly string[];
  readonly std: readonly string[];
  readonly explain_seconds: number;
  readonly language: "en" | "zh";
}

export type State = "queued" | "running" | "done" | "failed" | "cancelled" | "interrupted";
export const UNDER_WAY: ReadonlySet<State> = new Set(["queued", "running"]);

/** A run as it stands in the list. */
export interface RunInList {
  readonly id: string;
  readonly name: string;
  readonly created: string;
  readonly ended: string;
  readonly asked: Asked;
  readonly state: State;
  readonly status: string;
  readonly headline: Text | null;
  readonly problem: Problem | null;
  readonly bytes: number;
  readonly place: number;
}

export interface ResultFile {
  readonly name: string;
  readonly bytes: number;
  readonly url: string;
}

export interface Run extends RunInList {
  readonly story: Text | null;
  readonly files: readonly ResultFile[];
  readonly report: string | null;
}

export interface Runs {
  readonly runs: readonly RunInList[];
  readonly bytes: number;
  readonly most_bytes: number;
}

/** What happens in a run. */
export type RunEvent =
  | { readonly kind: "step"; readonly text: Text }
  | TrialEvent
  | { readonly kind: "install"; readonly text: Text; readonly done: number }
  | {
      readonly kind: "explain";
      readonly nodes: number;
      readonly run: number;
      readonly remembered: number;
      readonly text: Text;
    };

/** A trial begins, or, with an outcome, has ended. */
export interface TrialEvent {
  readonly kind: "trial";
  readonly number: number;
  readonly label: Text;
  readonly outcome?: string;
  readonly converted?: boolean;
  readonly seconds?: number;
  readonly remembered?: boolean;
  readonly signature?: string;
  readonly cycles?: number | null;
}

export interface LogStory {
  readonly recognised: boolean;
  readonly story: Text;
}

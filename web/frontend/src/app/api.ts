// The requests of the page. A refusal comes out as an ApiProblem with the server's own words.

import type {
  About,
  Asked,
  Facts,
  LogStory,
  Problem,
  Role,
  Run,
  RunInList,
  Runs,
  Sizes,
  StoredFile,
  Upload,
} from "./data";
import { words } from "./i18n/words";

export class ApiProblem extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    super(problem.message.en);
  }
}

const own = (key: "lost" | "unclear"): Problem => ({ message: words(key), hint: { en: "", zh: "" }, rule: "" });

/** What is wrong, for the page, whatever was thrown. */
export const problemOf = (error: unknown): Problem => (error instanceof ApiProblem ? error.problem : own("lost"));

function read(status: number, text: string): unknown {
  let value: unknown;
  try {
    value = text ? JSON.parse(text) : null;
  } catch {
    throw new ApiProblem(status, own("unclear"));
  }
  if (status < 400) return value;
  throw new ApiProblem(status, (value as { problem?: Problem } | null)?.problem ?? own("unclear"));
}

async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await fetch(`/api/${path}`, {
    method,
    credentials: "same-origin",
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return read(answer.status, await answer.text()) as T;
}

export const about = (): Promise<About> => ask("GET", "about");
export const runs = (): Promise<Runs> => ask("GET", "runs");
export const run = (id: string): Promise<Run> => ask("GET", `runs/${id}`);
export const start = (asked: Asked): Promise<RunInList> => ask("POST", "runs", asked);
export const cancel = (id: string): Promise<null> => ask("POST", `runs/${id}/cancel`);
export const remove = (id: string): Promise<null> => ask("DELETE", `runs/${id}`);
export const newUpload = (): Promise<{ id: string }> => ask("POST", "uploads");
export const upload = (id: string): Promise<Upload> => ask("GET", `uploads/${id}`);
export const inspect = (id: string, sizes: Sizes): Promise<Facts> => ask("POST", `uploads/${id}/inspect`, sizes);
export const readLog = (text: string): Promise<LogStory> => ask("POST", "log", text);

/** Sends a file; `told` gets the share that is sent. */
export function sendFile(id: string, role: Role, file: File, told: (share: number) => void): Promise<StoredFile> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch does not tell how far an upload is
    request.open("POST", `/api/uploads/${id}/files?${new URLSearchParams({ role, name: file.name }).toString()}`);
    request.upload.onprogress = (event) => event.lengthComputable && told(event.loaded / event.total);
    request.onerror = () => reject(new ApiProblem(0, own("lost")));
    request.onload = () => {
      try {
        resolve(read(request.status, request.responseText) as StoredFile);
      } catch (error) {
        reject(error);
      }
    };
    request.send(file);
  });
}

// One stream of events per tab: browsers open few connections to a server, so a tab that nobody sees has none.

import type { RunEvent } from "./data";

export interface Listener {
  /** The list of runs, or the state of one, has changed. */
  readonly onRuns: () => void;
  /** Something happened in the run that is watched; each event comes once, in order. */
  readonly onEvent: (event: RunEvent) => void;
  /** All events of a run that is over have come. */
  readonly onOver: () => void;
  /** Whether the server can be reached. */
  readonly onReached: (reached: boolean) => void;
}

export class Live {
  private source: EventSource | null = null;
  private run: string | null = null;
  private last = 0;
  private listener: Listener | null = null;

  constructor() {
    document.addEventListener("visibilitychange", () => (document.hidden ? this.close() : this.open()));
  }

  /** Follows a run, or the list alone, from the start. */
  watch(run: string | null, listener: Listener): void {
    this.close();
    this.run = run;
    this.last = 0;
    this.listener = listener;
    this.open();
  }

  private close(): void {
    this.source?.close();
    this.source = null;
  }

  private open(): void {
    const listener = this.listener;
    if (!listener || this.source || document.hidden) return;
    const query = this.run ? `?${new URLSearchParams({ run: this.run, after: String(this.last) }).toString()}` : "";
    const source = (this.source = new EventSource(`/api/events${query}`));
    source.onopen = () => listener.onReached(true);
    source.onerror = () => {
      listener.onReached(false);
      if (source.readyState !== EventSource.CLOSED) return; // the browser tries again, and tells where it left off
      this.close();
      setTimeout(() => this.open(), 3000);
    };
    source.addEventListener("runs", () => listener.onRuns());
    source.addEventListener("run", (event) => {
      const number = Number(event.lastEventId);
      if (number <= this.last) return;
      this.last = number;
      listener.onEvent(JSON.parse(event.data as string) as RunEvent);
    });
    source.addEventListener("over", () => listener.onOver());
  }
}

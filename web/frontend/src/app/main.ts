// The local page: what is looked at stands in the address after #, so that a reload and the back button work.

import "../shared/tokens.css";
import "../shared/base.css";
import "./app.css";
import { fill } from "../shared/dom";
import { firstLanguage, onLanguage, setLanguage } from "../shared/i18n/language";
import { startTheme } from "../shared/theme";
import * as api from "./api";
import type { About, RunEvent, Runs } from "./data";
import { frame, type Frame } from "./frame";
import { w } from "./i18n/words";
import { Live } from "./live";
import { problemBox } from "./parts";
import { logView } from "./views/log";
import { modelView } from "./views/model";
import { runView } from "./views/run";

/** What a view wants to be told. */
export interface View {
  readonly element: HTMLElement;
  readonly title: () => string;
  onEvent?(event: RunEvent): void;
  onOver?(): void;
  onRuns?(runs: Runs): void;
  /** It is no longer looked at. */
  leave?(): void;
}

class App {
  private readonly live = new Live();
  private view: View | null = null;
  private listing = false;
  private again = false;

  constructor(
    private readonly about: About,
    private readonly frame: Frame,
  ) {
    window.addEventListener("hashchange", () => this.show());
    onLanguage(() => this.entitle());
    this.show();
  }

  private show(): void {
    const [page = "", id = ""] = location.hash.replace(/^#\/?/, "").split("/");
    this.view?.leave?.();
    const run = page === "run" ? id : null;
    this.view =
      run !== null
        ? runView(run)
        : page === "log"
          ? logView(this.about)
          : modelView(this.about, page === "upload" ? id : null);
    fill(this.frame.main, this.view.element);
    this.frame.at(page === "log" ? "log" : run !== null ? "" : "new");
    this.entitle();
    this.live.watch(run, {
      onRuns: () => void this.list(run),
      onEvent: (event) => this.view?.onEvent?.(event),
      onOver: () => this.view?.onOver?.(),
      onReached: (reached) => this.frame.reached(reached),
    });
  }

  /** Asks for the list again; changes that come meanwhile make one further question, not many. */
  private async list(current: string | null): Promise<void> {
    if (this.listing) {
      this.again = true;
      return;
    }
    this.listing = true;
    try {
      const runs = await api.runs();
      this.frame.list(runs, current);
      this.view?.onRuns?.(runs);
    } catch {
      this.frame.reached(false);
    }
    this.listing = false;
    if (this.again) {
      this.again = false;
      const [page = "", id = ""] = location.hash.replace(/^#\/?/, "").split("/");
      void this.list(page === "run" ? id : null);
    }
  }

  private entitle(): void {
    document.title = `${this.view?.title() ?? ""} · rkmend`;
  }
}

async function start(): Promise<void> {
  startTheme();
  setLanguage(firstLanguage());
  const place = document.getElementById("app");
  if (!place) return;
  try {
    const about = await api.about();
    const made = frame(about.version);
    fill(place, made.element);
    new App(about, made);
  } catch (error) {
    fill(place, problemBox(api.problemOf(error)));
    document.title = w("title")();
  }
}

void start();

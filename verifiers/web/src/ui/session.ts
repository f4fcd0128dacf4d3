/** One verification, as the page sees it: a worker of its own, that is ended when it is cancelled or left. */

import workerSource from "virtual:worker";
import type { Progress } from "../engine/index";
import type { ListedRow, Report } from "../engine/index";
import type { View } from "./details";
import type { Asked, Told } from "./messages";
import type { RowFilter } from "./rows";

export interface Ends {
  progress(progress: Progress): void;
  done(report: Report, view: View): void;
  failed(usage: boolean, message: string): void;
}

export class Session {
  private readonly worker: Worker;
  private readonly waiting = new Map<number, (page: { total: number; rows: ListedRow[] }) => void>();
  private next = 0;

  constructor(asked: Extract<Asked, { ask: "verify" }>, ends: Ends) {
    const address = URL.createObjectURL(new Blob([workerSource], { type: "text/javascript" }));
    this.worker = new Worker(address);
    this.worker.addEventListener("message", (event: MessageEvent<Told>) => {
      URL.revokeObjectURL(address);
      const told = event.data;
      if (told.tell === "progress") ends.progress(told.progress);
      else if (told.tell === "done") ends.done(told.report, told.view);
      else if (told.tell === "failed") ends.failed(told.usage, told.message);
      else {
        this.waiting.get(told.id)?.(told);
        this.waiting.delete(told.id);
      }
    });
    this.worker.addEventListener("error", (event) => ends.failed(false, event.message));
    this.worker.postMessage(asked);
  }

  rows(filter: RowFilter, from: number, many: number): Promise<{ total: number; rows: ListedRow[] }> {
    const id = this.next++;
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
      this.worker.postMessage({ ask: "rows", id, filter, from, many } satisfies Asked);
    });
  }

  end(): void {
    this.worker.terminate();
  }
}

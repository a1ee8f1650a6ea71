import type { Database } from '@millrace/db';
import { refreshDocs } from './run.commands.ts';

const AT_ONCE = 50;
/** Makes way for writes that somebody waits for. */
const BUSY_WRITES = 4;
const PAUSE_MS = 20;
const MAX_WAITING = 10_000;

/** Makes ready-made JSON of runs that were read without it, behind the reader's back and never in a writer's way. */
export class RunDocs {
  readonly #db: Database;
  readonly #waiting = new Set<string>();
  #timer: NodeJS.Timeout | null = null;
  #working: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(db: Database) {
    this.#db = db;
  }

  refresh(runUuids: readonly string[]): void {
    for (const runUuid of runUuids) if (this.#waiting.size < MAX_WAITING) this.#waiting.add(runUuid);
    this.#schedule();
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#working;
  }

  #schedule(): void {
    if (this.#timer !== null || this.#waiting.size === 0 || this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#working = this.#work();
    }, PAUSE_MS);
  }

  async #work(): Promise<void> {
    if (this.#db.pendingWrites <= BUSY_WRITES) {
      const batch = [...this.#waiting].slice(0, AT_ONCE);
      for (const runUuid of batch) this.#waiting.delete(runUuid);
      // What fails is only slower to read: the next reader asks again.
      await this.#db.write(refreshDocs, batch).catch(() => {});
    }
    this.#schedule();
  }
}

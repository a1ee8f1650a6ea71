import { DomainError } from '@millrace/core';

/** Writes that may wait for their commit before new ones are refused: bounds memory and latency alike. */
export const MAX_PENDING_WRITES = 4096;
/** Reads that may wait, or be under way. */
export const MAX_PENDING_READS = 4096;
/** Searches that may wait, or be under way: each may hold a large answer. */
export const MAX_PENDING_SEARCHES = 1024;

export const overloaded = (what: string, limit: number): DomainError =>
  new DomainError('RESOURCE_EXHAUSTED', `${limit} ${what} are waiting for the database; try again later.`, {
    retryAfter: 1,
  });

/** Counts work under way; what is over the limit is refused. */
export class Gate {
  readonly #what: string;
  readonly #limit: number;
  #inside = 0;

  constructor(what: string, limit: number) {
    this.#what = what;
    this.#limit = limit;
  }

  get inside(): number {
    return this.#inside;
  }

  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inside >= this.#limit) throw overloaded(this.#what, this.#limit);
    this.#inside++;
    try {
      return await work();
    } finally {
      this.#inside--;
    }
  }
}

/** Lets so many run at once; the others wait in line. */
export class Lane {
  readonly #width: number;
  readonly #line: (() => void)[] = [];
  #running = 0;

  constructor(width: number) {
    this.#width = width;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#width) await new Promise<void>((turn) => this.#line.push(turn));
    else this.#running++;
    try {
      return await work();
    } finally {
      // Whoever is next takes over the place.
      const next = this.#line.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}

/** Bounds the memory of a dictionary that clients may grow without end: twice so many names are remembered at most. */
const MAX_ENTRIES = 100_000;

class Names {
  readonly ids = new Map<string, number>();
  readonly names = new Map<number, string>();

  add(id: number, name: string): void {
    this.ids.set(name, id);
    this.names.set(id, name);
  }
}

/** Names of committed rows, shared by the sessions of a database. Whoever has just looked one up finds it again. */
export class CommittedNames {
  readonly #limit: number;
  #current = new Names();
  #previous = new Names();

  constructor(limit = MAX_ENTRIES) {
    this.#limit = limit;
  }

  idOf(name: string): number | undefined {
    return this.#current.ids.get(name) ?? this.#previous.ids.get(name);
  }

  nameOf(id: number): string | undefined {
    return this.#current.names.get(id) ?? this.#previous.names.get(id);
  }

  /** The oldest are forgotten a generation at a time: readers that go on meanwhile still find what they learnt. */
  add({ ids }: Names): void {
    if (this.#current.ids.size + ids.size > this.#limit) {
      this.#previous = this.#current;
      this.#current = new Names();
    }
    for (const [name, id] of ids) this.#current.add(id, name);
  }
}

/**
 * What a connection remembers of a table of names whose rows never change once committed.
 * Entries learnt inside a transaction outlive it only if it is committed: a rolled-back id is given out again.
 */
export class Dictionary {
  readonly #committed: CommittedNames;
  #own = new Names();

  constructor(committed: CommittedNames = new CommittedNames()) {
    this.#committed = committed;
  }

  idOf(name: string): number | undefined {
    return this.#own.ids.get(name) ?? this.#committed.idOf(name);
  }

  nameOf(id: number): string | undefined {
    return this.#own.names.get(id) ?? this.#committed.nameOf(id);
  }

  learn(id: number, name: string): void {
    this.#own.add(id, name);
  }

  commit(): void {
    if (this.#own.ids.size === 0) return;
    this.#committed.add(this.#own);
    this.#own = new Names();
  }

  rollback(): void {
    if (this.#own.ids.size > 0) this.#own = new Names();
  }
}

/** Bounds the memory of a dictionary that clients may grow without end. */
const MAX_ENTRIES = 200_000;

export interface DictionaryEntries {
  readonly ids: Map<string, number>;
  readonly names: Map<number, string>;
}

const noEntries = (): DictionaryEntries => ({ ids: new Map(), names: new Map() });

/**
 * What a connection remembers of a table of names whose rows never change once committed.
 * Entries learnt inside a transaction outlive it only if it is committed: a rolled-back id is given out again.
 */
export class Dictionary {
  readonly #committed: DictionaryEntries;
  #own = noEntries();

  constructor(committed: DictionaryEntries = noEntries()) {
    this.#committed = committed;
  }

  idOf(name: string): number | undefined {
    return this.#committed.ids.get(name) ?? this.#own.ids.get(name);
  }

  nameOf(id: number): string | undefined {
    return this.#committed.names.get(id) ?? this.#own.names.get(id);
  }

  learn(id: number, name: string): void {
    this.#own.ids.set(name, id);
    this.#own.names.set(id, name);
  }

  commit(): void {
    if (this.#own.ids.size === 0) return;
    const { ids, names } = this.#committed;
    if (ids.size > MAX_ENTRIES) {
      ids.clear();
      names.clear();
    }
    for (const [name, id] of this.#own.ids) {
      ids.set(name, id);
      names.set(id, name);
    }
    this.#own = noEntries();
  }

  rollback(): void {
    if (this.#own.ids.size > 0) this.#own = noEntries();
  }
}

import type { Database, Read, Write } from '../access.ts';
import { MAX_PENDING_SEARCHES, MAX_PENDING_WRITES, overloaded } from '../pressure.ts';
import { SqliteConnection } from './connection.ts';
import { WorkerHandle } from './worker-handle.ts';

export interface SqliteOptions {
  /** Modules whose exports are the commands, by URL: every thread loads them. */
  readonly modules: readonly string[];
  readonly readers?: number;
  readonly onDeath: (error: Error) => void;
}

/** SQLite in this process: one writer thread with group commit, reader threads for searches, point reads right here. */
export class SqliteDatabase implements Database {
  readonly dialect = 'sqlite';
  readonly #points: SqliteConnection;
  readonly #writer: WorkerHandle;
  readonly #readers: readonly WorkerHandle[];

  private constructor(points: SqliteConnection, writer: WorkerHandle, readers: readonly WorkerHandle[]) {
    this.#points = points;
    this.#writer = writer;
    this.#readers = readers;
  }

  /** The file must hold the current schema: see `migrate`. */
  static async open(file: string, { modules, readers = 1, onDeath }: SqliteOptions): Promise<SqliteDatabase> {
    const worker = (role: 'writer' | 'reader') => new WorkerHandle({ file, role, modules }, onDeath);
    const writer = worker('writer');
    const searchers = Array.from({ length: readers }, () => worker('reader'));
    await Promise.all([writer, ...searchers].map((handle) => handle.ready()));
    return new SqliteDatabase(new SqliteConnection(file, { readOnly: true }), writer, searchers);
  }

  get pendingWrites(): number {
    return this.#writer.pending;
  }

  write<I, O>(command: Write<I, O>, input: I): Promise<O> {
    if (this.#writer.pending >= MAX_PENDING_WRITES) return Promise.reject(overloaded('writes', MAX_PENDING_WRITES));
    return this.#writer.call(command.name, input) as Promise<O>;
  }

  async read<I, O>(query: Read<I, O>, input: I): Promise<O> {
    const output = await query.run(this.#points, input);
    this.#points.dictionary.commit();
    return output;
  }

  search<I, O>(query: Read<I, O>, input: I): Promise<O> {
    let idlest = this.#readers[0]!;
    for (const reader of this.#readers) if (reader.pending < idlest.pending) idlest = reader;
    if (idlest.pending >= MAX_PENDING_SEARCHES) return Promise.reject(overloaded('searches', MAX_PENDING_SEARCHES));
    return idlest.call(query.name, input) as Promise<O>;
  }

  async close(): Promise<void> {
    await Promise.all([this.#writer, ...this.#readers].map((handle) => handle.close()));
    this.#points.close();
  }
}

import type { Dictionary } from './dictionary.ts';
import type { Sql, SqlValue } from './sql.ts';

export type Dialect = 'sqlite' | 'postgres';

/** SQLite answers at once, PostgreSQL with a promise; `await` serves both. */
export type Awaitable<T> = T | Promise<T>;

export type SqlRow = readonly SqlValue[];

/** What may be done with a snapshot of the database. */
export interface Reader {
  readonly dialect: Dialect;
  /** Ids and names of rows that never change, remembered between statements. */
  readonly dictionary: Dictionary;
  /** Rows as arrays, in the order of the selected columns. int8 beyond 2^53 comes as bigint. */
  all<R extends SqlRow = SqlRow>(text: string, params?: readonly SqlValue[]): Awaitable<R[]>;
  query<R extends SqlRow = SqlRow>(query: Sql): Awaitable<R[]>;
}

export interface InsertSpec {
  readonly table: string;
  /** Column name and its type in the neutral words of `schema.ts`. */
  readonly columns: readonly (readonly [name: string, type: ColumnType])[];
  /** What follows `ON CONFLICT`, e.g. `DO NOTHING`. Absent: a conflict is an error. */
  readonly onConflict?: string;
}

export type ColumnType = 'int' | 'real' | 'text';

/** Exists only inside a transaction: a function that takes one writes. */
export interface Transactor extends Reader {
  /** Runs a statement and says how many rows it changed. */
  run(text: string, params?: readonly SqlValue[]): Awaitable<number>;
  /** Inserts rows in one go. The answer has 1 at the index of each row that was inserted or updated, 0 where it was ignored. */
  insert(spec: InsertSpec, rows: readonly SqlRow[]): Awaitable<Uint8Array>;
  /**
   * Makes the row lock explicit where the database needs one. SQLite has a single writer.
   * `forShare` keeps a row as it is; `forUpdate` is for who changes it, and waits for all who keep it.
   * Who takes the first and changes the row after all waits for another who does the same, in a circle.
   */
  readonly forShare: string;
  readonly forUpdate: string;
}

/** A use of the database with a name, so that it can run in a worker thread. Input and output are structured-cloneable. */
export interface Write<I, O> {
  readonly kind: 'write';
  readonly name: string;
  readonly run: (tx: Transactor, input: I) => Promise<O>;
}

export interface Read<I, O> {
  readonly kind: 'read';
  readonly name: string;
  readonly run: (db: Reader, input: I) => Promise<O>;
}

export const write = <I, O>(name: string, run: (tx: Transactor, input: I) => Promise<O>): Write<I, O> => ({
  kind: 'write',
  name,
  run,
});

export const read = <I, O>(name: string, run: (db: Reader, input: I) => Promise<O>): Read<I, O> => ({
  kind: 'read',
  name,
  run,
});

/** The one door to the database for everything above it. */
export interface Database {
  readonly dialect: Dialect;
  /** Runs in one transaction; resolves only after the commit is on disk. */
  write<I, O>(command: Write<I, O>, input: I): Promise<O>;
  /** A point read, on the calling thread. */
  read<I, O>(query: Read<I, O>, input: I): Promise<O>;
  /** A read that may take longer (search, history), away from the thread that serves requests. */
  search<I, O>(query: Read<I, O>, input: I): Promise<O>;
  /** Writes that wait for their commit; above its limit new ones are refused with 429. */
  readonly pendingWrites: number;
  close(): Promise<void>;
}

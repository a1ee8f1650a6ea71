import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { DomainError } from '@millrace/core';
import type { InsertSpec, SqlRow, Transactor } from '../access.ts';
import { Dictionary } from '../dictionary.ts';
import type { Sql, SqlValue } from '../sql.ts';

const CACHED_STATEMENTS = 500;
/** Rows of one INSERT: halves the cost of a large batch. */
const ROWS_AT_ONCE = 50;

/** One connection with its prepared statements. Everything is synchronous; `await` on it costs a microtask. */
export class SqliteConnection implements Transactor {
  readonly dialect = 'sqlite';
  readonly dictionary = new Dictionary();
  readonly forShare = '';
  readonly forUpdate = '';
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #runs = new Map<string, StatementSync>();
  /** Statements that once met an integer beyond 2^53: they are likely to meet the next. */
  readonly #exact = new Map<string, StatementSync>();

  constructor(file: string, options: { readonly readOnly: boolean }) {
    this.#db = new DatabaseSync(file, { readOnly: options.readOnly, timeout: 10_000 });
    // WAL with FULL: a commit is on disk before it is acknowledged, and readers never wait for the writer.
    if (!options.readOnly) this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    this.#db.exec(
      `PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA case_sensitive_like = ON;
       PRAGMA cache_size = -${options.readOnly ? 8_192 : 32_768};
       PRAGMA journal_size_limit = 67108864`,
    );
  }

  exec(text: string): void {
    try {
      this.#db.exec(text);
    } catch (error) {
      throw asDomainError(error);
    }
  }

  get inTransaction(): boolean {
    return this.#db.isTransaction;
  }

  all<R extends SqlRow = SqlRow>(text: string, params: readonly SqlValue[] = []): R[] {
    try {
      if (this.#exact.has(text)) return this.#allExact(text, params) as R[];
      return this.#prepare(text).all(...(params as SqlValue[])) as unknown as R[];
    } catch (error) {
      // Numbers beyond 2^53 are rare: read again, exactly, only where one is met.
      if ((error as { code?: string }).code === 'ERR_OUT_OF_RANGE') return this.#allExact(text, params) as R[];
      throw asDomainError(error);
    }
  }

  query<R extends SqlRow = SqlRow>(query: Sql): R[] {
    return this.all<R>(query.text, query.params);
  }

  run(text: string, params: readonly SqlValue[] = []): number {
    try {
      return Number(this.#prepareRun(text).run(...(params as SqlValue[])).changes);
    } catch (error) {
      throw asDomainError(error);
    }
  }

  insert(spec: InsertSpec, rows: readonly SqlRow[]): Uint8Array {
    const inserted = new Uint8Array(rows.length);
    try {
      let i = 0;
      for (; i + ROWS_AT_ONCE <= rows.length; i += ROWS_AT_ONCE) {
        if (this.#insertMany(spec, rows.slice(i, i + ROWS_AT_ONCE))) inserted.fill(1, i, i + ROWS_AT_ONCE);
        else this.#insertEach(spec, rows, inserted, i, i + ROWS_AT_ONCE);
      }
      this.#insertEach(spec, rows, inserted, i, rows.length);
    } catch (error) {
      throw asDomainError(error);
    }
    return inserted;
  }

  #insertEach(spec: InsertSpec, rows: readonly SqlRow[], inserted: Uint8Array, from: number, to: number): void {
    if (from === to) return;
    const statement = this.#prepareRun(insertText(spec, 1));
    for (let i = from; i < to; i++) inserted[i] = Number(statement.run(...(rows[i] as SqlValue[])).changes);
  }

  /** Inserts rows with one statement; false, with nothing done, where some were ignored: which, only one by one can tell. */
  #insertMany(spec: InsertSpec, rows: readonly SqlRow[]): boolean {
    this.run('SAVEPOINT many');
    const statement = this.#prepareRun(insertText(spec, rows.length));
    const complete = Number(statement.run(...(rows.flat() as SqlValue[])).changes) === rows.length;
    if (!complete) this.run('ROLLBACK TO many');
    this.run('RELEASE many');
    return complete;
  }

  close(): void {
    this.#statements.clear();
    this.#runs.clear();
    this.#exact.clear();
    this.#db.close();
  }

  #allExact(text: string, params: readonly SqlValue[]): SqlRow[] {
    const statement = this.#prepareExact(text);
    const rows = statement.all(...(params as SqlValue[])) as unknown as SqlValue[][];
    for (const row of rows) {
      for (let i = 0; i < row.length; i++) {
        const value = row[i];
        if (typeof value === 'bigint' && Number.isSafeInteger(Number(value))) row[i] = Number(value);
      }
    }
    return rows;
  }

  #prepare(text: string): StatementSync {
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(text);
    statement.setReturnArrays(true);
    return remember(this.#statements, text, statement);
  }

  /** Every run says the last row's id, also one beyond 2^53 that an earlier statement inserted. */
  #prepareRun(text: string): StatementSync {
    const known = this.#runs.get(text);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(text);
    statement.setReadBigInts(true);
    return remember(this.#runs, text, statement);
  }

  #prepareExact(text: string): StatementSync {
    const known = this.#exact.get(text);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(text);
    statement.setReturnArrays(true);
    statement.setReadBigInts(true);
    return remember(this.#exact, text, statement);
  }
}

/** Keeps a statement; the oldest makes room. */
function remember(statements: Map<string, StatementSync>, text: string, statement: StatementSync): StatementSync {
  if (statements.size >= CACHED_STATEMENTS) statements.delete(statements.keys().next().value!);
  statements.set(text, statement);
  return statement;
}

/** The text for one row and for many, by number of rows. */
const insertTexts = new WeakMap<InsertSpec, Map<number, string>>();

function insertText(spec: InsertSpec, rows: number): string {
  let texts = insertTexts.get(spec);
  if (texts === undefined) {
    texts = new Map();
    insertTexts.set(spec, texts);
  }
  let text = texts.get(rows);
  if (text === undefined) {
    const names = spec.columns.map(([name]) => name).join(', ');
    const row = `(${spec.columns.map(() => '?').join(', ')})`;
    const conflict = spec.onConflict === undefined ? '' : ` ON CONFLICT ${spec.onConflict}`;
    text = `INSERT INTO ${spec.table} (${names}) VALUES ${Array(rows).fill(row).join(', ')}${conflict}`;
    texts.set(rows, text);
  }
  return text;
}

/** SQLite's result codes that a person can act on (https://sqlite.org/rescode.html). */
function asDomainError(error: unknown): unknown {
  const { errcode } = error as { errcode?: number };
  if (errcode === undefined) return error;
  switch (errcode & 0xff) {
    case 13:
      return new DomainError(
        'TEMPORARILY_UNAVAILABLE',
        'The disk that holds the database is full; nothing was written.',
        {
          status: 507,
          cause: error,
        },
      );
    case 5:
      return new DomainError('TEMPORARILY_UNAVAILABLE', 'The database file is locked by another process.', {
        cause: error,
        retryAfter: 1,
      });
    case 8:
      return new DomainError('TEMPORARILY_UNAVAILABLE', 'The database file is read-only for this process.', {
        cause: error,
      });
    case 10:
      return new DomainError('TEMPORARILY_UNAVAILABLE', 'The disk that holds the database reports an I/O error.', {
        cause: error,
      });
    default:
      return error;
  }
}

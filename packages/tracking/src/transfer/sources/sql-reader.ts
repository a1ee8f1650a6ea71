import { existsSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { missing } from '@millrace/core';
import { type BackendUri, redact } from '@millrace/db';
import postgres from 'postgres';

export type Value = string | number | bigint | boolean | null;
export type Row = readonly Value[];

/** A database that is only ever read, whatever its schema. Parameters are `?`, a list of them `(?)`. */
export interface SqlReader {
  readonly title: string;
  /** Tells this database from others. */
  readonly fingerprint: string;
  /** An integer column as SQL that reads exactly: beyond 2^53 as bigint or as its digits. */
  exactly(column: string): string;
  /** Empty for a table that is not there. */
  columns(table: string): Promise<ReadonlySet<string>>;
  rows(text: string, params?: readonly Param[]): Promise<Row[]>;
  /** Rows in pieces of at most `size`, read while they are used. */
  pieces(text: string, params: readonly Param[], size: number): AsyncIterable<Row[]>;
  close(): Promise<void>;
}

export type Param = string | number | bigint | readonly (string | number)[];

export async function openReader(uri: BackendUri): Promise<SqlReader> {
  return uri.dialect === 'sqlite' ? new SqliteReader(uri.file) : new PostgresReader(uri.url);
}

/** Lists become as many marks as they have values. */
function spread(text: string, params: readonly Param[]): { text: string; values: (string | number | bigint)[] } {
  const values: (string | number | bigint)[] = [];
  let index = 0;
  const spreadText = text.replace(/\?/g, () => {
    const param = params[index++]!;
    if (!Array.isArray(param)) {
      values.push(param as string | number | bigint);
      return '?';
    }
    values.push(...(param as readonly (string | number)[]));
    return param.length === 0 ? 'NULL' : Array(param.length).fill('?').join(', ');
  });
  return { text: spreadText, values };
}

class SqliteReader implements SqlReader {
  readonly title: string;
  readonly fingerprint: string;
  readonly #db: DatabaseSync;

  constructor(file: string) {
    if (!existsSync(file)) throw missing(`There is no database ${file}.`);
    this.title = file;
    this.fingerprint = `sqlite:${file}`;
    this.#db = new DatabaseSync(file, { readOnly: true, timeout: 30_000 });
  }

  /** The driver throws for integers beyond 2^53. */
  exactly(column: string): string {
    return `CASE WHEN ${column} BETWEEN -9007199254740991 AND 9007199254740991 THEN ${column} ELSE CAST(${column} AS TEXT) END`;
  }

  async columns(table: string): Promise<ReadonlySet<string>> {
    return new Set((await this.rows('SELECT name FROM pragma_table_info(?)', [table])).map(([name]) => String(name)));
  }

  async rows(text: string, params: readonly Param[] = []): Promise<Row[]> {
    const rows: Row[] = [];
    for (const row of this.#iterate(text, params)) rows.push(row);
    return rows;
  }

  async *pieces(text: string, params: readonly Param[], size: number): AsyncGenerator<Row[]> {
    let piece: Row[] = [];
    for (const row of this.#iterate(text, params)) {
      piece.push(row);
      if (piece.length < size) continue;
      yield piece;
      piece = [];
    }
    if (piece.length > 0) yield piece;
  }

  async close(): Promise<void> {
    this.#db.close();
  }

  *#iterate(text: string, params: readonly Param[]): Generator<Row> {
    const { text: sql, values } = spread(text, params);
    const statement = this.#db.prepare(sql);
    statement.setReturnArrays(true);
    yield* statement.iterate(...(values as SQLInputValue[])) as unknown as Iterable<Row>;
  }
}

class PostgresReader implements SqlReader {
  readonly title: string;
  readonly fingerprint: string;
  readonly #pool: postgres.Sql;

  constructor(url: string) {
    const { hostname, port, pathname, searchParams } = new URL(url);
    this.title = redact(url);
    this.fingerprint = `postgresql:${searchParams.get('host') ?? hostname}:${port || 5432}${pathname}`;
    this.#pool = postgres(url, {
      max: 4,
      onnotice: () => {},
      connection: { application_name: 'millrace import', default_transaction_read_only: true },
      types: {
        int8: {
          to: 20,
          from: [20],
          serialize: (value: number | bigint) => String(value),
          parse: (text: string) => {
            const number = Number(text);
            return Number.isSafeInteger(number) ? number : BigInt(text);
          },
        },
      },
    });
  }

  exactly(column: string): string {
    return column;
  }

  async columns(table: string): Promise<ReadonlySet<string>> {
    const rows = await this.rows(
      'SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = ?',
      [table],
    );
    return new Set(rows.map(([name]) => String(name)));
  }

  async rows(text: string, params: readonly Param[] = []): Promise<Row[]> {
    return (await this.#query(text, params).values()) as unknown as Row[];
  }

  async *pieces(text: string, params: readonly Param[], size: number): AsyncGenerator<Row[]> {
    for await (const rows of this.#query(text, params).cursor(size)) {
      yield rows.map((row) => Object.values(row) as Value[]);
    }
  }

  async close(): Promise<void> {
    await this.#pool.end({ timeout: 5 });
  }

  #query(text: string, params: readonly Param[]) {
    const { text: sql, values } = spread(text, params);
    let n = 0;
    return this.#pool.unsafe(
      sql.replace(/\?/g, () => `$${++n}`),
      values as never[],
    );
  }
}

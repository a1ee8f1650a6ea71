import { DomainError } from '@millrace/core';
import type postgres from 'postgres';
import type { ColumnType, InsertSpec, SqlRow, Transactor } from '../access.ts';
import { type CommittedNames, Dictionary } from '../dictionary.ts';
import type { Sql, SqlValue } from '../sql.ts';

/** A transaction, or the pool for single statements. */
export type Session = postgres.Sql | postgres.TransactionSql;

const numbered = new Map<string, string>();

/** Our SQL marks parameters with `?`; PostgreSQL wants `$1`. No text of ours contains a question mark otherwise. */
function toNumbered(text: string): string {
  let result = numbered.get(text);
  if (result === undefined) {
    let n = 0;
    result = text.replace(/\?/g, () => `$${++n}`);
    if (numbered.size < 2000) numbered.set(text, result);
  }
  return result;
}

const ARRAY_TYPE: Record<ColumnType, string> = { int: 'int8[]', real: 'float8[]', text: 'text[]' };
const insertTexts = new WeakMap<InsertSpec, string>();

function insertText(spec: InsertSpec): string {
  let text = insertTexts.get(spec);
  if (text === undefined) {
    const names = spec.columns.map(([name]) => name).join(', ');
    const arrays = spec.columns.map(([, type], i) => `$${i + 1}::${ARRAY_TYPE[type]}`).join(', ');
    const conflict = spec.onConflict === undefined ? '' : ` ON CONFLICT ${spec.onConflict}`;
    text = `INSERT INTO ${spec.table} (${names}) SELECT * FROM unnest(${arrays})${conflict} RETURNING ${names}`;
    insertTexts.set(spec, text);
  }
  return text;
}

export class PostgresSession implements Transactor {
  readonly dialect = 'postgres';
  readonly forShare = ' FOR SHARE';
  readonly forUpdate = ' FOR NO KEY UPDATE';
  readonly dictionary: Dictionary;
  readonly #session: Session;

  constructor(session: Session, committed: CommittedNames) {
    this.#session = session;
    this.dictionary = new Dictionary(committed);
  }

  async all<R extends SqlRow = SqlRow>(text: string, params: readonly SqlValue[] = []): Promise<R[]> {
    const rows = await this.#session.unsafe(toNumbered(text), params as never[], { prepare: true }).values();
    return rows as unknown as R[];
  }

  query<R extends SqlRow = SqlRow>(query: Sql): Promise<R[]> {
    return this.all<R>(query.text, query.params);
  }

  async run(text: string, params: readonly SqlValue[] = []): Promise<number> {
    const result = await this.#session.unsafe(toNumbered(text), params as never[], { prepare: true });
    return result.count;
  }

  async insert(spec: InsertSpec, rows: readonly SqlRow[]): Promise<Uint8Array> {
    const inserted = new Uint8Array(rows.length);
    if (rows.length === 0) return inserted;
    const columns = spec.columns.map((_, i) => rows.map((row) => elementOf(row[i])));
    const returned = await this.#session.unsafe(insertText(spec), columns as never[], { prepare: true }).values();
    if (returned.length === rows.length) return inserted.fill(1);
    const kept = new Set(returned.map((row) => JSON.stringify(row, textOf)));
    rows.forEach((row, i) => {
      // Of two equal rows in one call only the first counts as inserted.
      if (kept.delete(JSON.stringify(row, textOf))) inserted[i] = 1;
    });
    return inserted;
  }
}

/** The driver takes an array whose first element is a bigint for a single int8. */
const elementOf = (value: SqlValue | undefined): SqlValue =>
  typeof value === 'bigint' ? String(value) : (value ?? null);

/** One text for each value that a row was given and comes back with: JSON knows neither bigint nor infinities. */
const textOf = (_key: string, value: unknown) =>
  typeof value === 'bigint' || typeof value === 'number' ? String(value === 0 ? 0 : value) : value;

/** Failures of the database or of the way to it, as the caller may hear them. */
export function asDomainError(error: unknown): unknown {
  const { code } = error as { code?: string };
  if (code === undefined) return error;
  if (code === '53100' || code === '53200') {
    return new DomainError(
      'TEMPORARILY_UNAVAILABLE',
      'The database server is out of disk or memory; nothing was written.',
      {
        status: 507,
        cause: error,
      },
    );
  }
  if (code === '22021' || code === '22P05') {
    return new DomainError('INVALID_PARAMETER_VALUE', 'A value contains a character that text cannot hold (NUL).', {
      cause: error,
    });
  }
  if (code === '23505') {
    return new DomainError('RESOURCE_CONFLICT', 'Another request made the same name at the same time; try again.', {
      cause: error,
    });
  }
  if (code === '54000') {
    return new DomainError('INVALID_PARAMETER_VALUE', 'A value is too long for the index that finds it.', {
      cause: error,
    });
  }
  if (code === '57014') {
    return new DomainError('TEMPORARILY_UNAVAILABLE', 'The database took longer than its statement timeout.', {
      cause: error,
      retryAfter: 1,
    });
  }
  if (isTransient(error)) {
    return new DomainError('TEMPORARILY_UNAVAILABLE', 'Other requests changed the same data all the time; try again.', {
      cause: error,
      retryAfter: 1,
    });
  }
  if (/^(08|57P|53)/.test(code) || /^(CONNECT|CONNECTION_|ECONN|ETIMEDOUT|EPIPE|ENOTFOUND|ENOENT)/.test(code)) {
    return new DomainError('TEMPORARILY_UNAVAILABLE', 'The database cannot be reached.', {
      cause: error,
      retryAfter: 1,
    });
  }
  return error;
}

/** Serialization failures and deadlocks: the transaction did nothing, and may be run again whole. */
export const isTransient = (error: unknown): boolean => /^40(001|P01)$/.test((error as { code?: string }).code ?? '');

/** Errors after which the driver closes the connection: those of the socket, and those that PostgreSQL ends a session with. */
export const isConnectionLost = (error: unknown): boolean => {
  const { code = '', severity = '' } = error as { code?: string; severity?: string };
  return /^(?:FATAL|PANIC)$/.test(severity) || /^(?:CONNECTION_|E[A-Z]{3,})/.test(code);
};

import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DomainError } from '@millrace/core';
import { type BackendUri, redact } from './backend-uri.ts';
import { compare, type Migration, render, type SchemaState } from './migrations.ts';
import { SqliteConnection } from './sqlite/connection.ts';

const HISTORY = `CREATE TABLE millrace_migrations (
  id {text} NOT NULL PRIMARY KEY,
  applied_at {int} NOT NULL
)`;
const RECORD = 'INSERT INTO millrace_migrations (id, applied_at) VALUES (?, ?)';
const APPLIED = 'SELECT id FROM millrace_migrations ORDER BY id';

/** One number for everyone who migrates this schema, so that servers that start together take turns. */
const ADVISORY_LOCK = 7_155_224_100;

/** What stands between a database and the schema that this program expects. */
export async function inspectSchema(uri: BackendUri, migrations: readonly Migration[]): Promise<SchemaState> {
  return visit(uri, (target) => state(target, migrations));
}

/**
 * Brings the schema up to date, all pending steps in one transaction, and says which were applied.
 * A newer schema, or somebody else's tables, is refused in words and left as it is.
 */
export async function migrate(uri: BackendUri, migrations: readonly Migration[], now: number): Promise<string[]> {
  return visit(uri, async (target) => {
    const found = await state(target, migrations);
    refuse(found, uri);
    if (found.kind === 'current') return [];
    const applied = found.kind === 'empty' ? [] : await target.ids();
    if (found.kind === 'empty') await target.execute(render(HISTORY, uri.dialect));
    const pending = migrations.filter(({ id }) => !applied.includes(id));
    for (const { id, statements } of pending) {
      for (const statement of statements) await target.execute(render(statement, uri.dialect));
      await target.record(id, now);
    }
    return pending.map(({ id }) => id);
  });
}

/** Throws for a database that this program must not touch. */
export function refuse(found: SchemaState, uri: BackendUri): void {
  const where = uri.dialect === 'sqlite' ? uri.file : redact(uri.url);
  if (found.kind === 'newer') {
    throw new DomainError(
      'RESOURCE_CONFLICT',
      `The database ${where} was written by a newer Millrace (it has ${found.unknown.join(', ')}). Start that version, or restore a backup made before the upgrade.`,
    );
  }
  if (found.kind === 'foreign') {
    const mlflow = found.tables.includes('alembic_version');
    throw new DomainError(
      'RESOURCE_CONFLICT',
      mlflow
        ? `The database ${where} belongs to an MLflow server. Copy it with 'millrace import --from <its URI>' into a Millrace database; it stays as it is.`
        : `The database ${where} already holds other tables (${found.tables.slice(0, 5).join(', ')}). Give Millrace a database of its own.`,
    );
  }
}

interface Target {
  tables(): Promise<string[]>;
  ids(): Promise<string[]>;
  execute(text: string): Promise<void>;
  record(id: string, now: number): Promise<void>;
}

async function state(target: Target, migrations: readonly Migration[]): Promise<SchemaState> {
  const tables = await target.tables();
  if (tables.includes('millrace_migrations')) return compare(migrations, await target.ids());
  return tables.length === 0 ? { kind: 'empty' } : { kind: 'foreign', tables };
}

const visit = <T>(uri: BackendUri, use: (target: Target) => Promise<T>): Promise<T> =>
  uri.dialect === 'sqlite' ? visitSqlite(uri.file, use) : visitPostgres(uri.url, use);

async function visitSqlite<T>(file: string, use: (target: Target) => Promise<T>): Promise<T> {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const db = new SqliteConnection(file, { readOnly: false });
  try {
    db.exec('BEGIN IMMEDIATE');
    const result = await use({
      tables: async () =>
        db.all<[string]>("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'").flat(),
      ids: async () => db.all<[string]>(APPLIED).flat(),
      execute: async (text) => db.exec(text),
      record: async (id, now) => void db.run(RECORD, [id, now]),
    });
    db.exec('COMMIT');
    return result;
  } finally {
    db.close();
  }
}

async function visitPostgres<T>(url: string, use: (target: Target) => Promise<T>): Promise<T> {
  const { connect } = await import('./postgres/database.ts');
  const { asDomainError } = await import('./postgres/connection.ts');
  const pool = connect(url, 1);
  try {
    return (await pool.begin(async (tx) => {
      await tx.unsafe(`SELECT pg_advisory_xact_lock(${ADVISORY_LOCK})`);
      await tx.unsafe('SET LOCAL statement_timeout = 0');
      const column = async (text: string) => (await tx.unsafe(text).values()).map((row) => String(row[0]));
      return use({
        tables: () => column('SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()'),
        ids: () => column(APPLIED),
        execute: async (text) => void (await tx.unsafe(text)),
        record: async (id, now) => void (await tx.unsafe(RECORD.replace('?', '$1').replace('?', '$2'), [id, now])),
      });
    })) as T;
  } catch (error) {
    throw asDomainError(error);
  } finally {
    await pool.end({ timeout: 5 });
  }
}

/** What SQLite finds wrong in a database file, at most a few lines; PostgreSQL looks after its own. */
export async function verifyDatabase(uri: BackendUri): Promise<string[]> {
  if (uri.dialect !== 'sqlite') return [];
  const db = new SqliteConnection(uri.file, { readOnly: true });
  try {
    const lines = db.all<[string]>('PRAGMA quick_check(5)').flat();
    return lines.length === 1 && lines[0] === 'ok' ? [] : lines;
  } finally {
    db.close();
  }
}

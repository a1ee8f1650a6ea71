import type { Database } from './access.ts';
import type { BackendUri } from './backend-uri.ts';
import { SqliteDatabase } from './sqlite/database.ts';

export interface OpenOptions {
  /** Modules whose exports are the commands, by URL: worker threads load them. */
  readonly modules: readonly string[];
  /** Hears of a database thread that ended unasked: the process cannot go on. */
  readonly onDeath: (error: Error) => void;
}

/** Opens a database whose schema is current (see `migrate`). */
export async function openDatabase(uri: BackendUri, options: OpenOptions): Promise<Database> {
  if (uri.dialect === 'sqlite') return SqliteDatabase.open(uri.file, options);
  // Only who uses PostgreSQL pays for its driver: worker threads load this package too.
  const { PostgresDatabase } = await import('./postgres/database.ts');
  return new PostgresDatabase(uri.url);
}

import type { Database } from './access.ts';
import type { BackendUri } from './backend-uri.ts';
import { PostgresDatabase } from './postgres/database.ts';
import { SqliteDatabase } from './sqlite/database.ts';

export interface OpenOptions {
  /** Modules whose exports are the commands, by URL: worker threads load them. */
  readonly modules: readonly string[];
  /** Hears of a database thread that ended unasked: the process cannot go on. */
  readonly onDeath: (error: Error) => void;
}

/** Opens a database whose schema is current (see `migrate`). */
export const openDatabase = async (uri: BackendUri, options: OpenOptions): Promise<Database> =>
  uri.dialect === 'sqlite' ? SqliteDatabase.open(uri.file, options) : new PostgresDatabase(uri.url);

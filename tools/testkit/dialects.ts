import { join } from 'node:path';
import { postgresMissing, sharedPostgres } from './postgres-broker.ts';
import { tempDir } from './temp-dir.ts';

export interface TestDatabase {
  /** As `--backend-store-uri` takes it. */
  readonly uri: string;
  drop(): Promise<void>;
}

export interface TestDialect {
  readonly name: 'sqlite' | 'postgres';
  /** A new, empty database. */
  createDatabase(): Promise<TestDatabase>;
}

const sqlite: TestDialect = {
  name: 'sqlite',
  async createDatabase() {
    return { uri: `sqlite:///${join(tempDir('db'), 'test.db')}`, drop: async () => {} };
  },
};

const postgres: TestDialect = {
  name: 'postgres',
  async createDatabase() {
    const cluster = await sharedPostgres();
    const uri = await cluster.createDatabase();
    return { uri, drop: () => cluster.dropDatabase(uri) };
  },
};

const missing = postgresMissing();
if (missing !== undefined) console.warn(`not tested on PostgreSQL: ${missing}`);

/** The databases that this machine can test: `for (const dialect of dialects) describe(dialect.name, …)`. */
export const dialects: readonly TestDialect[] = missing === undefined ? [sqlite, postgres] : [sqlite];

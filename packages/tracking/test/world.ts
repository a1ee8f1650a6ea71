import { systemClock } from '@millrace/core';
import { type Database, migrate, openDatabase, parseBackendUri } from '@millrace/db';
import type { TestDialect } from '../../../tools/testkit/index.ts';
import { commandsModule, ensureDefaultExperiment, migrations } from '../src/index.ts';

export interface World {
  readonly db: Database;
  close(): Promise<void>;
}

/** A database with the current schema and the default experiment. */
export async function openWorld(dialect: TestDialect): Promise<World> {
  const { uri, drop } = await dialect.createDatabase();
  const backend = parseBackendUri(uri);
  await migrate(backend, migrations, systemClock.now());
  const onDeath = (error: Error) => {
    throw error;
  };
  const db = await openDatabase(backend, { modules: [commandsModule], onDeath });
  await db.write(ensureDefaultExperiment, { artifactRoot: 'mlflow-artifacts:/', now: 0 });
  return {
    db,
    close: async () => {
      await db.close();
      await drop();
    },
  };
}

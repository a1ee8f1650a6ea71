import { type Database, migrate, openDatabase } from '@millrace/db';
import { openStore } from '@millrace/objects';
import { readConfig, type ServerConfig, type ServerOptions } from '@millrace/server';
import { ArtifactPlaces, commandsModule, migrations } from '@millrace/tracking';
import type { Command } from 'commander';

/** Options that say which installation a command works on: the same as the server's. */
export const targetOptions = (command: Command): Command =>
  command
    .option('--data-dir <folder>', 'folder of the embedded database and artifacts (default .millrace)')
    .option('--backend-store-uri <uri>', 'sqlite:///<file> or postgresql://<user>:<password>@<host>/<database>')
    .option('--artifacts-destination <uri>', 'folder, s3://, wasbs://, gs:// or sftp:// that proxied artifacts go to')
    .option(
      '--default-artifact-root <uri>',
      'where new experiments keep their artifacts (default: through the server)',
    );

export type TargetOptions = Pick<
  ServerOptions,
  'dataDir' | 'backendStoreUri' | 'artifactsDestination' | 'defaultArtifactRoot'
>;

export interface Target {
  readonly config: ServerConfig;
  readonly db: Database;
  readonly places: ArtifactPlaces;
}

/** Opens an installation as the server does, its schema brought up to date; a running server may use it too. */
export async function withTarget<T>(options: TargetOptions, use: (target: Target) => Promise<T>): Promise<T> {
  const config = readConfig(options, process.env);
  await migrate(config.backend, migrations, Date.now());
  const onDeath = (error: Error) => {
    throw error;
  };
  const db = await openDatabase(config.backend, { modules: [commandsModule], onDeath });
  const proxied = config.serveArtifacts ? await openStore(config.artifactsDestination) : null;
  const places = new ArtifactPlaces({ proxied, locations: config.artifactLocations });
  try {
    return await use({ config, db, places });
  } finally {
    await places.close();
    await db.close();
  }
}

import { mkdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { invalid, systemClock } from '@millrace/core';
import { type Database, migrate, openDatabase } from '@millrace/db';
import { createApp, mountOperations } from '@millrace/http';
import { type ArtifactStore, openStore } from '@millrace/objects';
import {
  ArtifactPlaces,
  commandsModule,
  ensureDefaultExperiment,
  migrations,
  mountTracking,
  RunDocs,
  type TrackingDeps,
  trackingHandlers,
  trackingTransfers,
} from '@millrace/tracking';
import type { FastifyInstance } from 'fastify';
import type { ServerConfig } from './config.ts';
import { infoHandlers } from './info.ts';
import { mountPages, mountReadiness } from './pages.ts';

export interface RunningServer {
  readonly url: string;
  /** Answers what was accepted, then closes the database. */
  close(): Promise<void>;
}

/** Requests under way have this long to end after the server was told to stop. */
const DRAIN_MS = 9_000;

/** How often what broken uploads left is looked for; the store says what counts as left. */
const SWEEP_EVERY_MS = 30 * 60_000;

/** Puts the features together and listens. */
export async function startServer(config: ServerConfig, onDeath: (error: Error) => void): Promise<RunningServer> {
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  await migrate(config.backend, migrations, systemClock.now());
  const db = await openDatabase(config.backend, { modules: [commandsModule], onDeath });
  try {
    return await serve(config, db);
  } catch (error) {
    await db.close();
    throw error;
  }
}

async function serve(config: ServerConfig, db: Database): Promise<RunningServer> {
  await db.write(ensureDefaultExperiment, { artifactRoot: config.artifactRoot, now: systemClock.now() });
  const docs = new RunDocs(db);
  const proxied = config.serveArtifacts ? await openStore(config.artifactsDestination) : null;
  const places = new ArtifactPlaces({ proxied, locations: config.artifactLocations });
  const deps: TrackingDeps = {
    db,
    clock: systemClock,
    docs,
    places,
    artifactRoot: config.artifactRoot,
    locations: config.artifactLocations,
    truncateLongValues: config.truncateLongValues,
  };
  const app = createApp(config);
  mountPages(app);
  mountReadiness(app, db);
  mountOperations(app, { ...infoHandlers(places), ...trackingHandlers(deps) }, trackingTransfers(deps));
  mountTracking(app, deps);
  const stopSweeping = sweepRegularly(proxied, (error) =>
    app.log.warn({ err: error }, 'sweeping the artifact store failed'),
  );
  await listen(app, config);
  const { port } = app.server.address() as AddressInfo;
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;

  const close = async () => {
    const overdue = setTimeout(() => app.server.closeAllConnections(), DRAIN_MS);
    await app.close();
    clearTimeout(overdue);
    await stopSweeping();
    await docs.close();
    await places.close();
    await db.close();
  };
  return { url: `http://${host}:${port}`, close };
}

async function listen(app: FastifyInstance, { host, port }: ServerConfig): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'EADDRINUSE')
      throw invalid(`Port ${port} of ${host} is taken by another program: choose one with --port.`);
    if (code === 'EACCES')
      throw invalid(`Port ${port} may not be opened by this user: choose one above 1023 with --port.`);
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') throw invalid(`${host} is no address of this machine.`);
    throw error;
  }
}

/** Removes what crashed writers left, now and from time to time. @returns what ends it. */
function sweepRegularly(store: ArtifactStore | null, failed: (error: unknown) => void): () => Promise<void> {
  let sweeping: Promise<unknown> = Promise.resolve();
  const sweep = () => {
    sweeping = sweeping.then(() => store?.sweep?.()).catch(failed);
  };
  sweep();
  const timer = setInterval(sweep, SWEEP_EVERY_MS).unref();
  return async () => {
    clearInterval(timer);
    await sweeping;
  };
}

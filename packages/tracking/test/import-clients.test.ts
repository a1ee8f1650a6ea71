import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  type MlflowEnvironment,
  type MlflowServer,
  postgresMissing,
  sharedPostgres,
  startMlflowServer,
  tempDir,
} from '../../../tools/testkit/index.ts';
import { dump, dumpTarget, millrace, writeSource } from './import-kit.ts';

/** What an installation made by a real client shows that client, and the same through our server after an import. */

const CASES: readonly (readonly [client: MlflowEnvironment, uri: string])[] = [
  ['mlflow3', 'sqlite:///mlflow.db'],
  ['mlflow3', 'file:./mlruns'],
  ['mlflow2', 'file:./mlruns'],
  ['mlflow1', 'sqlite:///mlflow.db'],
  ['mlflow1', 'file:./mlruns'],
];

const SLOW = 600_000;

for (const [client, uri] of CASES) {
  test(`${client} at ${uri}: the client sees the same before and after`, { timeout: SLOW }, async () => {
    const folder = tempDir('import');
    await writeSource(client, uri, folder);
    const shown = uri.startsWith('file:') ? ['--latest-model-metrics'] : [];
    const before = await dump(client, uri, folder, ...shown);
    const from = uri.replace(/\/\/\/|file:\.\//, (start) => (start === '///' ? `///${folder}/` : `file://${folder}/`));
    const dataDir = join(folder, 'target');

    const first = await millrace(['import', '--from', from, '--data-dir', dataDir]);
    expect(first).toMatchObject({ code: 0, stdout: expect.stringMatching(/ {2}failed +0\n/) });
    const leftOut = 'Not imported, because Millrace does not hold them: 1 registered models.';
    if (client !== 'mlflow1') expect(first.stdout).toContain(leftOut);
    expect(await dumpTarget(client, { dataDir }, ...shown)).toEqual(before);

    const again = await millrace(['import', '--from', from, '--data-dir', dataDir]);
    expect(again.stdout).toMatch(/ {2}runs +0\n {2}logged models +0\n {2}metric points +0\n/);
    expect(again.stdout).toMatch(/ {2}artifacts +0 /);
    expect(await dump(client, uri, folder, ...shown)).toEqual(before);
  });
}

describe('a real MLflow server', { timeout: SLOW }, () => {
  const missing = postgresMissing();
  const newDatabase = async () =>
    missing === undefined ? ((await (await sharedPostgres()).createDatabase()) as `postgresql://${string}`) : undefined;
  const withServer = async (use: (server: MlflowServer, artifacts: string) => Promise<void>) => {
    const artifacts = join(tempDir('import'), 'mlartifacts');
    mkdirSync(artifacts);
    const database = await newDatabase();
    // Of SQLAlchemy's drivers the one that is installed.
    const backendUri = database?.replace('postgresql:', 'postgresql+psycopg2:');
    const server = await startMlflowServer({ artifacts, ...(backendUri === undefined ? {} : { backendUri }) });
    try {
      await use(server, artifacts);
    } finally {
      await server.stop();
    }
  };
  if (missing !== undefined) console.warn(`import from and into PostgreSQL is not tested: ${missing}`);

  test('by its URL, by its database, and into PostgreSQL', async () => {
    await withServer(async (server, artifacts) => {
      const folder = tempDir('import');
      await writeSource('mlflow3', server.url, folder);
      const before = await dump('mlflow3', server.url, folder);

      const byUrl = join(folder, 'by-url');
      expect(await millrace(['import', '--from', server.url, '--data-dir', byUrl])).toMatchObject({ code: 0 });
      expect(await dumpTarget('mlflow3', { dataDir: byUrl })).toEqual(before);

      const unreachable = join(folder, 'unreachable');
      const from = ['import', '--from', server.backendUri];
      const without = await millrace([...from, '--data-dir', unreachable]);
      expect(without.code).toBe(1);
      expect(without.stderr).toContain('--artifacts');

      const backend = await newDatabase();
      const byDatabase = join(folder, 'by-database');
      const options = ['--artifacts', artifacts, '--data-dir', byDatabase];
      const target = backend === undefined ? [] : ['--backend-store-uri', backend];
      expect(await millrace([...from, ...options, ...target])).toMatchObject({ code: 0 });
      expect(await dumpTarget('mlflow3', { dataDir: byDatabase, backend })).toEqual(before);
    });
  });
});

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { migrate, parseBackendUri } from '@millrace/db';
import { dialects, freePort, root, tempDir } from '@millrace/tools/testkit';
import { migrations } from '@millrace/tracking';
import { describe, expect, it } from 'vitest';
import { checkInstallation } from '../src/doctor/checks.ts';
import type { TargetOptions } from '../src/target.ts';

/** What the doctor says, as `state: words` by subject. */
async function doctor(options: TargetOptions, url?: string): Promise<Record<string, string>> {
  const said: Record<string, string> = {};
  for await (const { subject, state, words } of checkInstallation({ dataDir: tempDir('doctor'), ...options }, url)) {
    said[subject] = `${state}: ${words}`;
  }
  return said;
}

const newer = [...migrations, { id: '9999-future', statements: ['CREATE TABLE future (id {id})'] }];

async function millrace(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(MLFLOW|MILLRACE)_/.test(name)));
  const argv = ['--disable-warning=ExperimentalWarning', join(root, 'apps/cli/src/main.ts'), ...args];
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, argv, {
      env: { ...env, NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/millrace') },
    });
    return { code: 0, out: stdout, err: stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, out: stdout, err: stderr };
  }
}

describe('the doctor', () => {
  it('finds nothing wrong with a fresh folder', async () => {
    const said = await doctor({});
    for (const [subject, words] of Object.entries(said)) {
      // The disk of the machine that runs this test is its own affair, and so is what listens there.
      if (!['Disk space', 'Server'].includes(subject)) expect(words, subject).toMatch(/^ok: /);
    }
    expect(said.Database).toMatch(/is empty/);
  });

  it('names a folder that cannot be written, and goes on', async () => {
    const file = join(tempDir('doctor'), 'file');
    writeFileSync(file, '');
    const said = await doctor({ dataDir: join(file, 'data') });
    expect(said['Data folder']).toMatch(/^failure: .*file\/data cannot be written by this user .*--data-dir\.$/);
    expect(Object.keys(said)).toContain('Server');
  });

  it('says when no database server answers, without the password', async () => {
    const said = await doctor({ backendStoreUri: `postgresql://me:geheim@127.0.0.1:${await freePort()}/db` });
    expect(said.Database).toMatch(/^failure: .*cannot be reached/);
    expect(JSON.stringify(said)).not.toContain('geheim');
  });

  it('says when an artifact store cannot be used, without the password', async () => {
    const said = await doctor({ artifactsDestination: `sftp://me:geheim@127.0.0.1:${await freePort()}/data` });
    expect(said['Artifact store']).toMatch(/^failure: /);
    expect(said['Artifact store']).toContain('127.0.0.1');
    expect(JSON.stringify(said)).not.toContain('geheim');
  });

  it('knows a damaged database file, and one that is none', async () => {
    const file = join(tempDir('doctor'), 'x.db');
    writeFileSync(file, 'this is no database, only text that is long enough to be read as a header of one'.repeat(20));
    const { Database } = await doctor({ backendStoreUri: `sqlite:///${file}` });
    expect(Database).toMatch(/^failure: .*database/);
  });

  it('knows the database of an MLflow server', async () => {
    const file = join(tempDir('doctor'), 'mlflow.db');
    const db = new DatabaseSync(file);
    db.exec('CREATE TABLE alembic_version (version_num TEXT); CREATE TABLE runs (run_uuid TEXT)');
    db.close();
    const { Database } = await doctor({ backendStoreUri: `sqlite:///${file}` });
    expect(Database).toMatch(/^failure: .*belongs to an MLflow server.*millrace import --from/);
  });

  it('tells a tracking server from anything else that answers', async () => {
    const other = createServer((_request, response) => response.end('<!doctype html>hello'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
      expect((await doctor({}, url)).Server).toMatch(/^failure: .*no tracking server/);
    } finally {
      other.close();
    }
    expect((await doctor({}, `http://127.0.0.1:${await freePort()}`)).Server).toMatch(/^failure: .*does not answer/);
    expect((await doctor({}, 'nonsense')).Server).toMatch(/^failure: /);
  });

  it('stops at a setting that cannot be meant', async () => {
    const said = await doctor({ backendStoreUri: 'mysql://x' });
    expect(Object.keys(said)).toEqual(['Node', 'Configuration']);
    expect(said.Configuration).toMatch(/^failure: /);
  });
});

for (const dialect of dialects) {
  describe(`the schema on ${dialect.name}`, () => {
    it('is made, found to be current, and not touched when it is newer', async () => {
      const { uri, drop } = await dialect.createDatabase();
      const at = ['--backend-store-uri', uri, '--data-dir', tempDir('cli')];
      try {
        expect((await millrace('db', 'status', ...at)).out).toMatch(/is empty/);
        expect((await millrace('db', 'upgrade', ...at)).out).toMatch(/was brought up to date: 0001-tracking/);
        expect((await millrace('db', 'upgrade', ...at)).out).toMatch(/is up to date\.$/m);
        expect((await millrace('db', 'status', ...at)).out).toMatch(/is up to date\.$/m);
        await migrate(parseBackendUri(uri), newer, 1);
        for (const command of ['status', 'upgrade']) {
          const { code, out, err } = await millrace('db', command, ...at);
          expect([code, out]).toEqual([1, '']);
          expect(err).toMatch(/^millrace: The database .* was written by a newer Millrace \(it has 9999-future\)/);
          expect(err).not.toMatch(/\n\s+at /);
        }
        expect((await doctor({ backendStoreUri: uri })).Database).toMatch(/^failure: .*newer Millrace/);
      } finally {
        await drop();
      }
    });

    it('says what an older one lacks', async () => {
      const { uri, drop } = await dialect.createDatabase();
      try {
        await migrate(parseBackendUri(uri), migrations.slice(0, 1), 1);
        const pending = migrations
          .slice(1)
          .map(({ id }) => id)
          .join(', ');
        expect((await doctor({ backendStoreUri: uri })).Database).toContain(`older (${pending} pending)`);
      } finally {
        await drop();
      }
    });
  });
}

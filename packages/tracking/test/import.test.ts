import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeAll, describe, expect, test } from 'vitest';
import { startServer, tempDir } from '../../../tools/testkit/index.ts';
import type { ImportSource } from '../src/transfer/records.ts';
import { openSource } from '../src/transfer/sources/open-source.ts';
import { millrace, python, startMillrace, writeSource } from './import-kit.ts';

const SLOW = 600_000;

const folder = tempDir('import');
/** Written by the client of 1.30: the smallest schema that imports read. */
const old = join(folder, 'old.db');

beforeAll(async () => {
  await writeSource('mlflow1', `sqlite:///${old}`, folder);
}, SLOW);

let targets = 0;
const newTarget = () => join(folder, `target-${++targets}`);
const importFrom = (from: string, dataDir: string, ...args: string[]) =>
  millrace(['import', '--from', from, '--data-dir', dataDir, ...args]);

/** A copy of the source that a test may change. */
function copyOfSource(): string {
  const copy = join(folder, `source-${++targets}.db`);
  cpSync(old, copy);
  return copy;
}

/** Runs SQL on a database of a source or target. */
function sql(file: string, text: string, ...params: (string | number | bigint | null)[]): unknown[][] {
  const db = new DatabaseSync(file, { enableForeignKeyConstraints: false });
  try {
    const statement = db.prepare(text);
    statement.setReturnArrays(true);
    statement.setReadBigInts(true);
    return statement.all(...params) as unknown as unknown[][];
  } finally {
    db.close();
  }
}

const inTarget = (dataDir: string, text: string, ...params: (string | number | bigint)[]) =>
  sql(join(dataDir, 'millrace.db'), text, ...params);

const TABLES = {
  experiments: 'SELECT id, name, lifecycle_stage, creation_time, last_update_time, artifact_location FROM experiments',
  tags: 'SELECT r.run_uuid, k.name, t.value, t.experiment_id, t.start_time FROM tags t JOIN runs r ON r.id = t.run_id JOIN keys k ON k.id = t.key_id',
  params:
    'SELECT r.run_uuid, k.name, p.value, p.number, p.experiment_id, p.start_time FROM params p JOIN runs r ON r.id = p.run_id JOIN keys k ON k.id = p.key_id',
  runs: 'SELECT run_uuid, experiment_id, name, user_id, status, start_time, end_time, lifecycle_stage, artifact_uri FROM runs',
  metrics:
    'SELECT r.run_uuid, k.name, m.step, m.timestamp, m.value, m.is_nan FROM metrics m JOIN runs r ON r.id = m.run_id JOIN keys k ON k.id = m.key_id',
  latest:
    'SELECT r.run_uuid, k.name, m.experiment_id, m.start_time, m.value, m.is_nan, m.step, m.timestamp, m.points, m.in_order, m.low, m.low_step, m.high, m.high_step FROM latest_metrics m JOIN runs r ON r.id = m.run_id JOIN keys k ON k.id = m.key_id',
};

const digestOf = (rows: unknown[][]) => {
  const lines = rows.map((row) =>
    JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? String(value) : value)),
  );
  return `${rows.length} ${createHash('sha256').update(lines.sort().join('\n')).digest('hex')}`;
};

/** A target without the ids that its database gave out. */
const contentOf = (dataDir: string) =>
  Object.fromEntries(Object.entries(TABLES).map(([name, text]) => [name, digestOf(inTarget(dataDir, text))]));

async function recordsOf(source: ImportSource) {
  const records: unknown[] = [];
  for await (const experiment of source.experiments()) records.push(experiment);
  for await (const batch of source.runs()) {
    for (const { record } of batch) {
      records.push(record);
      for await (const points of source.metrics(record)) records.push(...points);
    }
  }
  for await (const batch of source.models()) records.push(...batch);
  return records;
}

test('every schema of MLflow from 1.30 to 3.17 reads the same', { timeout: SLOW }, async () => {
  const schemas = join(folder, 'schemas');
  mkdirSync(schemas);
  const working = copyOfSource();
  const printed = await python('mlflow3', 'import-schemas.py', [working, schemas], folder);
  const revisions = printed.trim().split('\n').at(-1)!.split(' ');
  expect(revisions.length).toBeGreaterThan(25);
  let first: unknown[] | undefined;
  for (const revision of revisions) {
    const source = await openSource(`sqlite:///${join(schemas, `${revision}.db`)}`, { artifacts: undefined });
    const records = await recordsOf(source);
    await source.close();
    first ??= records;
    expect(records, `at revision ${revision}`).toEqual(first);
  }
  expect(first).toHaveLength(3 + 6 + 50 + 2 + 3 + 1);
});

test('the source is never changed', async () => {
  const before = readFileSync(old);
  const entries = readdirSync(folder).length;
  expect(await importFrom(`sqlite:///${old}`, newTarget())).toMatchObject({ code: 0 });
  expect(readFileSync(old).equals(before)).toBe(true);
  // The target, and nothing beside the database.
  expect(readdirSync(folder)).toHaveLength(entries + 1);
});

test('a run that changed at its source is brought up to date, others are not touched', async () => {
  const source = copyOfSource();
  const target = newTarget();
  await importFrom(`sqlite:///${source}`, target);
  const [[run]] = sql(source, "SELECT run_uuid FROM runs WHERE name = 'child'") as [[string]];
  sql(source, "INSERT INTO metrics VALUES ('loss', 0.5, 99, ?, 7, 0) RETURNING key", run);
  sql(source, 'UPDATE latest_metrics SET value = 0.5, step = 7, timestamp = 99 WHERE run_uuid = ? RETURNING key', run);
  sql(source, "INSERT INTO tags VALUES ('later', 'yes', ?) RETURNING key", run);
  sql(source, "DELETE FROM tags WHERE key = 'mlflow.source.name' AND run_uuid = ? RETURNING key", run);

  const { stdout } = await importFrom(`sqlite:///${source}`, target);
  expect(stdout).toMatch(/ {2}runs +1\n {2}logged models +0\n {2}metric points +2\n/);
  const fresh = newTarget();
  await importFrom(`sqlite:///${source}`, fresh);
  expect(contentOf(target)).toEqual(contentOf(fresh));
});

test('changed artifacts are copied again, the others stay', async () => {
  const target = newTarget();
  const artifacts = join(folder, 'mlruns');
  const source = copyOfSource();
  await importFrom(`sqlite:///${source}`, target);
  const [[uri]] = sql(source, "SELECT artifact_uri FROM runs WHERE name = 'first'") as [[string]];
  const file = join(folder, uri, 'empty.txt');
  expect(statSync(artifacts).isDirectory()).toBe(true);
  writeFileSync(file, 'no longer');
  try {
    const { stdout } = await importFrom(`sqlite:///${source}`, target);
    expect(stdout).toMatch(/ {2}artifacts +1 \(9 B\)\n/);
    const [[id, run]] = inTarget(target, "SELECT experiment_id, run_uuid FROM runs WHERE name = 'first'") as [
      [bigint, string],
    ];
    expect(readFileSync(join(target, 'artifacts', String(id), run, 'artifacts/empty.txt'), 'utf8')).toBe('no longer');
  } finally {
    writeFileSync(file, '');
  }
});

describe('experiments that the target has already', () => {
  const names = (target: string) => inTarget(target, 'SELECT id, name FROM experiments ORDER BY id');

  test('of the same name and creation time are the same', async () => {
    const target = newTarget();
    await importFrom(`sqlite:///${old}`, target);
    const before = contentOf(target);
    const { code, stdout } = await importFrom(`sqlite:///${copyOfSource()}`, target);
    expect(code).toBe(0);
    expect(contentOf(target)).toEqual(before);
    expect(stdout).not.toContain('is in the target');
  });

  test('of the same id or name, but another one, get a new id and name, for good', async () => {
    const target = newTarget();
    await importFrom(`sqlite:///${old}`, target);
    const other = copyOfSource();
    sql(other, "UPDATE experiments SET creation_time = 1, name = 'beta' WHERE name = 'gone' RETURNING name");
    sql(other, "UPDATE experiments SET creation_time = 2 WHERE name = 'alpha' RETURNING name");
    // Other runs, too: the same id would be the same run.
    for (const table of ['runs', 'metrics', 'latest_metrics', 'params', 'tags']) {
      sql(other, `UPDATE ${table} SET run_uuid = 'f' || substr(run_uuid, 1, 31) RETURNING 1`);
    }
    const { stdout } = await importFrom(`sqlite:///${other}`, target);
    expect(stdout).toContain("Experiment 1 'alpha' is in the target as 'alpha (imported)' with id 3.");
    expect(stdout).toContain("Experiment 2 'beta' is in the target with id 4.");
    const expected = [
      [0n, 'Default'],
      [1n, 'alpha'],
      [2n, 'gone'],
      [3n, 'alpha (imported)'],
      [4n, 'beta'],
    ];
    expect(names(target)).toEqual(expected);
    const again = await importFrom(`sqlite:///${other}`, target);
    expect(again.stdout).toContain("Experiment 1 'alpha' is in the target as 'alpha (imported)' with id 3.");
    expect(names(target)).toEqual(expected);
  });

  test('runs of the target itself are left alone', async () => {
    const target = newTarget();
    await importFrom(`sqlite:///${old}`, target);
    inTarget(target, "DELETE FROM imports WHERE kind = 'run' RETURNING kind");
    inTarget(target, "UPDATE runs SET status = 'KILLED' RETURNING id");
    const { code, stdout } = await importFrom(`sqlite:///${old}`, target);
    expect(code).toBe(0);
    expect(stdout).toMatch(/ {2}skipped +6\n/);
    expect(inTarget(target, 'SELECT DISTINCT status FROM runs')).toEqual([['KILLED']]);
  });
});

test('steps and times beyond 2^53 are exact', async () => {
  const source = copyOfSource();
  const [[run]] = sql(source, "SELECT run_uuid FROM runs WHERE name = 'child'") as [[string]];
  const big = 9_223_372_036_854_775_807n;
  sql(source, "INSERT INTO metrics VALUES ('big', 1.5, ?, ?, ?, 0) RETURNING key", big, run, -big);
  const target = newTarget();
  expect(await importFrom(`sqlite:///${source}`, target)).toMatchObject({ code: 0 });
  expect(
    inTarget(target, "SELECT step, timestamp FROM metrics WHERE key_id = (SELECT id FROM keys WHERE name = 'big')"),
  ).toEqual([[-big, big]]);
});

test('what fails is said, the rest is imported, and the exit code is 1', async () => {
  const source = copyOfSource();
  sql(source, "UPDATE runs SET artifact_uri = 'hdfs://host/x' WHERE name = 'child' RETURNING name");
  const target = newTarget();
  const { code, stderr, stdout } = await importFrom(`sqlite:///${source}`, target);
  expect(code).toBe(1);
  expect(stderr).toMatch(/Failed: artifacts of run \w+: They lie at a 'hdfs:' location/);
  expect(stdout).toMatch(/ {2}runs +6\n/);
});

test('a file that cannot be read fails alone', async () => {
  const source = copyOfSource();
  const broken = join(folder, 'broken');
  mkdirSync(broken);
  writeFileSync(join(broken, 'whole.txt'), 'whole');
  writeFileSync(join(broken, 'bad#name.txt'), 'no store takes this name');
  sql(source, "UPDATE runs SET artifact_uri = ? WHERE name = 'child' RETURNING name", broken);
  const target = newTarget();
  const { code, stderr } = await importFrom(`sqlite:///${source}`, target);
  expect(code).toBe(1);
  expect(stderr).toMatch(/Failed: artifacts of run \w+: Invalid path 'bad#name.txt'/);
  const copied = readdirSync(join(target, 'artifacts'), { recursive: true }) as string[];
  expect(copied.filter((path) => path.endsWith('whole.txt'))).toHaveLength(1);
});

test('artifacts at locations of their own can stay there', async () => {
  const source = copyOfSource();
  const location = 's3://some-bucket/runs/child/artifacts';
  sql(source, "UPDATE runs SET artifact_uri = ? WHERE name = 'child' RETURNING name", location);
  const target = newTarget();
  expect(await importFrom(`sqlite:///${source}`, target, '--keep-artifact-uris')).toMatchObject({ code: 0 });
  expect(inTarget(target, "SELECT artifact_uri FROM runs WHERE name = 'child'")).toEqual([[location]]);
  const others = inTarget(target, "SELECT count(*) FROM runs WHERE artifact_uri LIKE 'mlflow-artifacts:/%/artifacts'");
  expect(others).toEqual([[5n]]);
});

describe('a bundle', () => {
  test('comes back identical', async () => {
    const [target, bundle, copy, again] = [newTarget(), newTarget(), newTarget(), newTarget()];
    await importFrom(`sqlite:///${old}`, target);
    expect(await millrace(['export', '--to', bundle, '--data-dir', target])).toMatchObject({ code: 0 });
    expect(await importFrom(bundle, copy)).toMatchObject({ code: 0 });
    expect(contentOf(copy)).toEqual(contentOf(target));
    expect(await millrace(['export', '--to', again, '--data-dir', copy])).toMatchObject({ code: 0 });
    expect(filesOf(again)).toEqual(filesOf(bundle));
    expect((await importFrom(bundle, copy)).stdout).toMatch(/ {2}unchanged +6 runs and models, 3 artifacts\n/);
  });

  test('holds only the experiments that were asked for, and is checked', async () => {
    const [target, bundle] = [newTarget(), newTarget()];
    await importFrom(`sqlite:///${old}`, target);
    const toBundle = ['export', '--to', bundle, '--data-dir', target];
    expect((await millrace([...toBundle, '--experiment', 'none'])).stderr).toContain("with the name or id 'none'");
    expect((await millrace([...toBundle, '--experiment', 'gone', '0'])).stdout).toContain('2 experiments, 1 runs');
    expect((await millrace(toBundle)).stderr).toContain('is not empty');
    writeFileSync(join(bundle, 'runs.jsonl'), '{}');
    expect((await importFrom(bundle, newTarget())).stderr).toContain('runs.jsonl is damaged');
  });
});

test('a server of ours behind a password is imported by its URL, into one that is running', async () => {
  const [source, target] = [newTarget(), newTarget()];
  await importFrom(`sqlite:///${old}`, source);
  const [from, into] = await Promise.all([startServer({ dataDir: source }), startServer({ dataDir: target })]);
  const proxy = await startPasswordProxy(from.url, 'ann:secret');
  try {
    const args = ['import', '--from', proxy.url, '--data-dir', target];
    expect((await millrace(args)).stderr).toContain('MLFLOW_TRACKING_USERNAME');
    const credentials = { MLFLOW_TRACKING_USERNAME: 'ann', MLFLOW_TRACKING_PASSWORD: 'secret' };
    expect(await millrace(args, credentials)).toMatchObject({ code: 0, stderr: expect.not.stringContaining('Failed') });
    const answer = await fetch(`${into.url}/api/2.0/mlflow/runs/search`, {
      method: 'POST',
      body: JSON.stringify({ experiment_ids: ['1', '2'], run_view_type: 'ALL' }),
      headers: { 'content-type': 'application/json' },
    });
    expect(((await answer.json()) as { runs: unknown[] }).runs).toHaveLength(6);
    // The default experiment was there before, and keeps its times.
    const { experiments: _, ...rest } = contentOf(source);
    expect(contentOf(target)).toMatchObject(rest);
    expect(inTarget(target, 'SELECT name FROM experiments ORDER BY id').flat()).toEqual(['Default', 'alpha', 'gone']);
  } finally {
    proxy.close();
    await Promise.all([from.stop(), into.stop()]);
  }
});

/** What stands before a server that others can reach. */
async function startPasswordProxy(url: string, password: string) {
  const expected = `Basic ${Buffer.from(password).toString('base64')}`;
  const server = createServer(async (request, response) => {
    if (request.headers.authorization !== expected) {
      response.writeHead(401, { 'www-authenticate': 'Basic' }).end();
      return;
    }
    const { method = 'GET', headers } = request;
    const body = method === 'POST' ? { body: Buffer.concat(await request.toArray()) } : {};
    const type = headers['content-type'];
    const answer = await fetch(url + request.url, {
      method,
      ...body,
      ...(type && { headers: { 'content-type': type } }),
    });
    response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}

/** Paths and contents, without the manifest, which names the installation and the time. */
const filesOf = (bundle: string) =>
  Object.fromEntries(
    (readdirSync(bundle, { recursive: true }) as string[])
      .filter((path) => path !== 'manifest.json' && statSync(join(bundle, path)).isFile())
      .map((path) => [path, digestOf([[readFileSync(join(bundle, path), 'base64')]])]),
  );

test('something else is refused in words', async () => {
  const empty = join(folder, 'nothing');
  mkdirSync(empty, { recursive: true });
  expect((await importFrom(empty, newTarget())).stderr).toContain('holds no experiments of MLflow');
  expect((await importFrom('sqlite:////nowhere/x.db', newTarget())).stderr).toContain('There is no database');
  expect((await importFrom('http://127.0.0.1:9', newTarget())).stderr).toContain('does not answer');
  const foreign = join(folder, 'foreign.db');
  sql(foreign, 'CREATE TABLE x (y)');
  expect((await importFrom(`sqlite:///${foreign}`, newTarget())).stderr).toContain('is not one of MLflow');
});

test('killed midway, an import goes on and ends equal; no run is ever seen in part', { timeout: SLOW }, async () => {
  const source = copyOfSource();
  fill(source, { runs: 1500, points: 20, long: 60_000 });
  const whole = newTarget();
  expect(await importFrom(`sqlite:///${source}`, whole)).toMatchObject({ code: 0 });

  const target = newTarget();
  const kills = [0.1, 0.4, 0.7];
  for (const part of kills) {
    const child = startMillrace(['import', '--from', `sqlite:///${source}`, '--data-dir', target]);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    await reached(target, 1500 * part, child);
    child.kill('SIGKILL');
    await ended;
    expect(partsOfRuns(target)).toEqual([]);
  }
  expect(await importFrom(`sqlite:///${source}`, target)).toMatchObject({ code: 0 });
  expect(contentOf(target)).toEqual(contentOf(whole));
});

/** Many small runs and a long one. */
function fill(source: string, { runs, points, long }: { runs: number; points: number; long: number }): void {
  const db = new DatabaseSync(source, { enableForeignKeyConstraints: false });
  const run = db.prepare(
    `INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time, end_time,
       lifecycle_stage, artifact_uri, experiment_id) VALUES (?, ?, 'LOCAL', '', '', 'me', 'FINISHED', ?, ?, 'active', '', 1)`,
  );
  const metric = db.prepare(
    'INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, 0)',
  );
  const latest = db.prepare(
    'INSERT INTO latest_metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, 0)',
  );
  const param = db.prepare('INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)');
  db.exec('BEGIN');
  for (let i = 0; i < runs; i++) {
    const id = createHash('md5').update(String(i)).digest('hex');
    const count = i === runs / 2 ? long : points;
    run.run(id, `run ${i}`, i, i + 1);
    for (let step = 0; step < count; step++) metric.run('loss', step / 7, step, id, step);
    latest.run('loss', (count - 1) / 7, count - 1, id, count - 1);
    param.run('seed', String(i), id);
  }
  db.exec('COMMIT');
  db.close();
}

/** Waits until so many runs are in, or the import has ended. */
async function reached(target: string, runs: number, child: { readonly exitCode: number | null }): Promise<void> {
  for (;;) {
    try {
      const [[count]] = inTarget(target, "SELECT count(*) FROM imports WHERE kind = 'run'") as [[bigint]];
      if (Number(count) >= runs) return;
    } catch {
      // The database is yet to be made.
    }
    if (child.exitCode !== null) throw new Error(`The import ended before ${runs} runs were in.`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Runs that clients can see although something of them is missing. */
const partsOfRuns = (target: string) =>
  inTarget(
    target,
    `SELECT run_uuid FROM runs r WHERE lifecycle_stage <> 'purging' AND name LIKE 'run %' AND (
       (SELECT count(*) FROM metrics WHERE run_id = r.id) < 20
       OR (SELECT count(*) FROM metrics WHERE run_id = r.id) NOT IN (20, 60000)
       OR NOT EXISTS (SELECT 1 FROM params WHERE run_id = r.id)
       OR NOT EXISTS (SELECT 1 FROM imports WHERE kind = 'run' AND source_id = r.run_uuid))`,
  );

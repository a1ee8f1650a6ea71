import { describe, expect, test } from 'vitest';
import { call, newExperiment, newRun, ok, send, target, unique, url } from './support.ts';

type Body = Record<string, unknown>;
const api = '/api/2.0/mlflow';

describe('probes', () => {
  test('health', async () => expect(await send('GET', '/health')).toMatchObject({ status: 200, text: 'OK' }));
  test("version is one that a client takes for today's", async () => {
    const { status, text } = await send('GET', '/version');
    expect(status).toBe(200);
    expect(text).toMatch(/^3\.\d+(\.\d+)?\S*$/);
  });
  for (const prefix of ['/api', '/ajax-api'])
    test(`server-info under ${prefix}`, async () => {
      const info = await ok(send('GET', `${prefix}/3.0/mlflow/server-info`));
      expect(info).toMatchObject({ store_type: 'SqlStore', workspaces_enabled: expect.any(Boolean) });
      expect(info.multipart_uploads_enabled).toEqual(expect.any(Boolean));
    });
});

describe('headers', () => {
  for (const path of ['/api/2.0/mlflow/experiments/get?experiment_id=0', '/api/2.0/mlflow/experiments/get', '/health'])
    test(`of ${path}`, async () => {
      const { headers } = await send('GET', path);
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'SAMEORIGIN' });
    });
});

describe('who may ask', () => {
  const host = (name: string, path = '/api/2.0/mlflow/experiments/get?experiment_id=0') =>
    send('GET', path, { headers: { host: name } });
  const { port } = new URL(url);

  test('a foreign Host is refused', async () => expect((await host('evil.example')).status).toBe(403));
  test('a Host that only begins like ours is refused', async () => {
    for (const name of [`127.0.0.1.evil.example:${port}`, `localhost.evil.example:${port}`])
      expect((await host(name)).status, name).toBe(403);
  });
  test('our own names are not', async () => {
    for (const name of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`])
      expect((await host(name)).status, name).toBe(200);
  });
  test('probes answer to any Host', async () => {
    expect((await host('10.1.2.3', '/health')).status).toBe(200);
    expect((await host('evil.example', '/health')).status).toBe(200);
    expect((await host('evil.example', '/version')).status).toBe(200);
  });

  const withOrigin = (origin: string) =>
    send('POST', `${api}/experiments/create`, {
      body: JSON.stringify({ name: unique('origin') }),
      headers: { 'content-type': 'application/json', origin },
    });
  test('a foreign Origin may not write', async () => {
    for (const origin of ['http://evil.example', 'null', 'http://localhost.evil.example'])
      expect((await withOrigin(origin)).status, origin).toBe(403);
  });
  test('our own Origin may', async () => expect((await withOrigin(url)).status).toBe(200));
});

describe('one operation, every way to say it', () => {
  test('/api and /ajax-api are twins', async () => {
    const [one, two] = await Promise.all(
      ['/api', '/ajax-api'].map((prefix) => send('GET', `${prefix}/2.0/mlflow/experiments/get?experiment_id=0`)),
    );
    expect(one?.status).toBe(200);
    expect(JSON.parse(one!.text)).toEqual(JSON.parse(two!.text));
  });

  test('a GET reads its query and ignores camel case', async () => {
    expect((await call('GET', `${api}/experiments/get`, { experiment_id: '0' })).status).toBe(200);
    expect((await call('GET', `${api}/experiments/get`, { experimentId: '0' })).status).toBe(400);
  });

  test('a POST ignores its query', async () => {
    const answer = await send('POST', `${api}/experiments/create?name=${unique('query')}`, {
      body: '{}',
      headers: { 'content-type': 'application/json' },
    });
    expect(answer.status).toBe(400);
  });

  test('a DELETE reads its body', async () => {
    const experiment = await newExperiment();
    const { model } = await ok<{ model: { info: { model_id: string } } }>(
      call('POST', `${api}/logged-models`, { experiment_id: experiment, name: 'm' }),
    );
    const path = `${api}/logged-models/${model.info.model_id}`;
    expect((await call('DELETE', path)).status).toBe(200);
    expect((await call('GET', path)).status).toBe(404);
  });

  test('every value may be a string, as R sends them', async () => {
    const { run } = await newRun();
    const metric = { run_id: run, key: 'm', value: '0.5', timestamp: '1700000000000', step: '3' };
    expect((await call('POST', `${api}/runs/log-metric`, metric)).status).toBe(200);
    const batch = [{ key: 'b', value: '1e3', timestamp: '12', step: '-4' }];
    expect((await call('POST', `${api}/runs/log-batch`, { run_id: run, metrics: batch })).status).toBe(200);
    const ended = { run_id: run, status: 'FINISHED', end_time: '1700000000001' };
    expect((await call('POST', `${api}/runs/update`, ended)).status).toBe(200);
    const read = await ok<{ run: { info: Body; data: { metrics: Body[] } } }>(
      call('GET', `${api}/runs/get`, { run_id: run }),
    );
    expect(read.run.info).toMatchObject({ status: 'FINISHED', end_time: 1700000000001 });
    expect(read.run.data.metrics).toEqual(
      expect.arrayContaining([
        { key: 'm', value: 0.5, timestamp: 1700000000000, step: 3 },
        { key: 'b', value: 1000, timestamp: 12, step: -4 },
      ]),
    );
  });

  test('doubles that JSON has no number for', async () => {
    const { run } = await newRun();
    for (const value of ['NaN', 'Infinity', '-Infinity'])
      expect(
        (await call('POST', `${api}/runs/log-metric`, { run_id: run, key: `k ${value}`, value, timestamp: 1 })).status,
      ).toBe(200);
    const read = await ok<{ run: { data: { metrics: { key: string; value: unknown }[] } } }>(
      call('GET', `${api}/runs/get`, { run_id: run }),
    );
    const values = Object.fromEntries(read.run.data.metrics.map(({ key, value }) => [key, value]));
    // The real server gives the largest double for an infinity; this one what was logged.
    const infinite = target === 'mlflow' ? Number.MAX_VALUE : 'Infinity';
    const negative = target === 'mlflow' ? -Number.MAX_VALUE : '-Infinity';
    expect(values).toEqual({ 'k NaN': 'NaN', 'k Infinity': infinite, 'k -Infinity': negative });
  });

  test('an int64 keeps every digit', async () => {
    const { run } = await newRun();
    const body = `{"run_id":"${run}","key":"m","value":1,"timestamp":9007199254740993,"step":-9223372036854775808}`;
    const answer = await send('POST', `${api}/runs/log-metric`, {
      body,
      headers: { 'content-type': 'application/json' },
    });
    expect(answer.status, answer.text).toBe(200);
    const read = await send('GET', `${api}/metrics/get-history?run_id=${run}&metric_key=m`);
    expect(read.text).toContain('9007199254740993');
    expect(read.text).toContain('-9223372036854775808');
  });

  test('run_id and run_uuid', async () => {
    const { run } = await newRun();
    for (const name of ['run_id', 'run_uuid']) {
      const read = await ok<{ run: { info: Body } }>(call('GET', `${api}/runs/get`, { [name]: run }));
      expect(read.run.info).toMatchObject({ run_id: run, run_uuid: run });
    }
  });

  test('enums by name or number', async () => {
    const { run } = await newRun();
    for (const [status, name] of [
      [3, 'FINISHED'],
      ['FAILED', 'FAILED'],
    ]) {
      const read = await ok<{ run_info: Body }>(call('POST', `${api}/runs/update`, { run_id: run, status }));
      expect(read.run_info.status).toBe(name);
    }
  });
});

describe('what is empty is left out', () => {
  test('an empty search', async () => {
    const experiment = await newExperiment();
    expect(await ok(call('POST', `${api}/runs/search`, { experiment_ids: [experiment] }))).toEqual({});
  });
  test('a new run', async () => {
    const { experiment, run } = await newRun();
    const read = await ok<{ run: { info: Body; data: Body; inputs: Body } }>(
      call('GET', `${api}/runs/get`, { run_id: run }),
    );
    expect(read.run).toEqual({
      info: {
        run_id: run,
        run_uuid: run,
        experiment_id: experiment,
        run_name: expect.any(String),
        user_id: '',
        status: 'RUNNING',
        start_time: 0,
        lifecycle_stage: 'active',
        artifact_uri: `mlflow-artifacts:/${experiment}/${run}/artifacts`,
      },
      data: { tags: [{ key: 'mlflow.runName', value: read.run.info.run_name }] },
      inputs: {},
      outputs: {},
    });
  });
  test('an experiment', async () => {
    const experiment = await newExperiment();
    const read = await ok<{ experiment: Body }>(call('GET', `${api}/experiments/get`, { experiment_id: experiment }));
    expect(read.experiment).toEqual({
      experiment_id: experiment,
      name: expect.any(String),
      artifact_location: `mlflow-artifacts:/${experiment}`,
      lifecycle_stage: 'active',
      creation_time: expect.any(Number),
      last_update_time: read.experiment.creation_time,
      workspace: 'default',
    });
  });
});

test.skipIf(target === 'mlflow')('/openapi.json describes what is served', async () => {
  const described = await ok<{ openapi: string; paths: Body }>(send('GET', '/openapi.json'));
  expect(described.openapi).toMatch(/^3\./);
  expect(Object.keys(described.paths)).toContain('/api/2.0/mlflow/runs/log-batch');
});

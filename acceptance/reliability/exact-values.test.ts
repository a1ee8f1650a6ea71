// Promise: no silent change of data: what a client sends is stored exactly or refused.
import { startServer, type TestServer } from '@millrace/tools/testkit';
import { encodeResponse, parseJsonBody } from '@millrace/wire';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Answer,
  backends,
  expectErrorBody,
  expectNoIncident,
  isLong,
  newExperiment,
  newRun,
  searchRuns,
  send,
} from './support.ts';

const numRuns = isLong ? 500 : 60;
const INT64 = { least: -(2n ** 63n), most: 2n ** 63n - 1n };

const integers = fc.oneof(
  fc.bigInt(INT64.least, INT64.most),
  fc.constantFrom(INT64.least, INT64.most, 2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 0n, -1n),
);

const doubles = fc.oneof(
  fc.double(),
  fc.constantFrom(
    Number.NaN,
    Infinity,
    -Infinity,
    -0,
    0,
    Number.MIN_VALUE,
    -Number.MIN_VALUE,
    Number.MAX_VALUE,
    2 ** 53 + 2,
    1e23,
    0.1 + 0.2,
  ),
);

/** Every plane of Unicode, lone surrogates and controls among them. */
const units = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 40 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '\0',
      'a\0b',
      '\ud800',
      '\udc00x',
      '\ufeff',
      '\u2028',
      '\u202e',
      'ﬁ',
      'e\u0301',
      '\u{10ffff}',
      "'; --",
      '%_\\',
      '{}',
      '?',
      '$1',
      '\r\n',
      ' a ',
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom('a', '\ud83d', '\ude00', '\0', 'é'), maxLength: 20 }) },
);

/** SQLite has no negative zero; as a number it is the same. */
const same = (a: number, b: number): boolean => a === b || (Number.isNaN(a) && Number.isNaN(b));
const exact = (answer: Answer): Record<string, unknown> => parseJsonBody(answer.text);

describe.each(backends)('on %s', (backend) => {
  let server: TestServer;
  let experiment: string;
  beforeAll(async () => {
    server = await startServer({ backend });
    experiment = await newExperiment(server.url);
  });
  afterAll(() => server.stop());

  const post = (path: string, body: object) =>
    send(server.url, 'POST', `/api/2.0/mlflow/${path}`, {
      body: encodeResponse(body),
      headers: { 'content-type': 'application/json' },
    });
  const read = async (path: string, query: Record<string, string>) => {
    const answer = await send(server.url, 'GET', `/api/2.0/mlflow/${path}?${new URLSearchParams(query)}`);
    expect(answer.status, answer.text).toBe(200);
    return exact(answer);
  };
  const runOf = async (run_id: string) =>
    (await read('runs/get', { run_id })) as {
      run: {
        info: { start_time?: number | bigint; end_time?: number | bigint; run_name: string };
        data: {
          metrics?: { value: unknown; step: number | bigint; timestamp: number | bigint }[];
          params?: { key: string; value: string }[];
          tags?: { key: string; value: string }[];
        };
      };
    };

  test('metric values, steps and timestamps', async () => {
    const timestamps = fc.oneof(fc.bigInt(0n, INT64.most), integers);
    await fc.assert(
      fc.asyncProperty(doubles, integers, timestamps, async (value, step, timestamp) => {
        const run = await newRun(server.url, experiment);
        const answer = await post('runs/log-metric', { run_id: run, key: 'm', value, step, timestamp });
        if (answer.status !== 200) {
          expectErrorBody(answer, `${value} ${step} ${timestamp}`);
          // A timestamp before the epoch is all that may be refused.
          expect(timestamp < 0n, answer.text).toBe(true);
          return;
        }
        const { metrics = [] } = (await runOf(run)).run.data;
        const points = (await read('metrics/get-history', { run_id: run, metric_key: 'm' })).metrics as typeof metrics;
        for (const [point] of [metrics, points]) {
          expect(same(Number(point!.value), value), `${String(point!.value)} was ${value}`).toBe(true);
          expect([BigInt(point!.step), BigInt(point!.timestamp)]).toEqual([step, timestamp]);
        }
      }),
      { numRuns },
    );
  });

  test('text of params, tags and names', async () => {
    await fc.assert(
      fc.asyncProperty(units, units, units, async (param, tag, name) => {
        const created = await post('runs/create', { experiment_id: experiment, run_name: name });
        if (created.status !== 200) {
          expectErrorBody(created, JSON.stringify(name));
          expect(refusable(name), `refused: ${JSON.stringify(name)} ${created.text}`).toBe(true);
          return;
        }
        const { run_id, run_name } = (exact(created) as { run: { info: { run_id: string; run_name: string } } }).run
          .info;
        if (name !== '') expect(run_name).toBe(name);
        const answer = await post('runs/log-batch', {
          run_id,
          params: [{ key: 'p', value: param }],
          tags: [{ key: 't', value: tag }],
        });
        const { data } = (await runOf(run_id)).run;
        const tagValue = data.tags?.find(({ key }) => key === 't')?.value;
        if (answer.status === 200) {
          expect([data.params?.[0]?.value, tagValue]).toEqual([param, tag]);
          const [found] = await searchRuns(server.url, experiment, { filter: `attributes.run_id = '${run_id}'` });
          expect(found?.data.params).toEqual([{ key: 'p', value: param }]);
        } else {
          expectErrorBody(answer, JSON.stringify([param, tag]));
          expect(refusable(param) || refusable(tag), `refused: ${JSON.stringify([param, tag])} ${answer.text}`).toBe(
            true,
          );
          expect([data.params, tagValue]).toEqual([undefined, undefined]);
        }
      }),
      { numRuns },
    );
  });

  test('keys: refused, or found again by what was sent', async () => {
    await fc.assert(
      fc.asyncProperty(units, async (key) => {
        const run = await newRun(server.url, experiment);
        const answer = await post('runs/log-parameter', { run_id: run, key, value: 'v' });
        if (answer.status === 200) expect((await runOf(run)).run.data.params).toEqual([{ key, value: 'v' }]);
        else expectErrorBody(answer, JSON.stringify(key));
      }),
      { numRuns },
    );
  });

  test('start and end times', async () => {
    await fc.assert(
      fc.asyncProperty(integers, integers, async (start_time, end_time) => {
        const created = await post('runs/create', { experiment_id: experiment, start_time });
        expect(created.status, created.text).toBe(200);
        const { run_id } = (exact(created) as { run: { info: { run_id: string } } }).run.info;
        const updated = await post('runs/update', { run_id, status: 'FINISHED', end_time });
        expect(updated.status, updated.text).toBe(200);
        const { info } = (await runOf(run_id)).run;
        expect([BigInt(info.start_time ?? 0), BigInt(info.end_time ?? 0)]).toEqual([start_time, end_time]);
      }),
      { numRuns },
    );
  });

  test.each([
    ['int64', { step: 2n ** 63n }],
    ['int64', { step: -(2n ** 63n) - 1n }],
    ['a fraction', { step: 1.5 }],
    ['an exponent', { timestamp: 1e300 }],
    ['text', { value: 'one' }],
    ['a truth value', { value: true }],
    ['a list', { value: [1] }],
  ])('beyond what the field holds: %s %o', async (_kind, wrong) => {
    const run = await newRun(server.url, experiment);
    const answer = await post('runs/log-metric', { run_id: run, key: 'm', value: 1, step: 0, timestamp: 1, ...wrong });
    expect(answer.status, answer.text).toBe(400);
    expectErrorBody(answer, JSON.stringify(Object.keys(wrong)));
    expect((await runOf(run)).run.data.metrics).toBeUndefined();
  });

  test.each(['é', '€', '😀', 'a'])('the longest text, of %s', async (unit) => {
    const run = await newRun(server.url, experiment);
    const value = unit.repeat(6_000);
    const batch = { run_id: run, params: [{ key: 'long', value }], tags: [{ key: 'long', value: unit.repeat(8_000) }] };
    expect((await post('runs/log-batch', batch)).status).toBe(200);
    const { data } = (await runOf(run)).run;
    expect(data.params).toEqual([{ key: 'long', value }]);
    expect(data.tags?.find(({ key }) => key === 'long')?.value).toBe(unit.repeat(8_000));
  });

  test('the server wrote of no incident', () => expectNoIncident(server));
});

/** PostgreSQL stores no NUL, and UTF-8 no lone surrogate: on every database both are refused. */
const refusable = (text: string): boolean => text.includes('\0') || !text.isWellFormed();

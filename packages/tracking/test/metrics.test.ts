import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dialects } from '../../../tools/testkit/index.ts';
import { createRun, logBatch } from '../src/runs/run.commands.ts';
import type { MetricPoint } from '../src/runs/run.ts';
import { type Api, inspect, openApi } from './api.ts';

const seed = Number(process.env.MILLRACE_TEST_SEED ?? Date.now() % 2 ** 31);
const KEY = 'loss';
const INT64_MAX = 2n ** 63n - 1n;

type Point = Pick<MetricPoint, 'value' | 'timestamp' | 'step'>;

/** Few values, so that ties and exact duplicates are common, and the edges of every type. */
const point: fc.Arbitrary<Point> = fc.record({
  step: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: -2, max: 3 }) },
    { weight: 1, arbitrary: fc.constantFrom(INT64_MAX, -INT64_MAX - 1n, 2n ** 53n + 1n) },
  ),
  timestamp: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 0, max: 4 }) },
    { weight: 1, arbitrary: fc.constantFrom(INT64_MAX, 1_735_689_600_000_000_001n) },
  ),
  value: fc.constantFrom(
    ...[0, 0.5, -3, 7, 1.7e308, -1.7e308, 5e-324],
    ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  ),
});

/** Batches in the order of arrival; half of them in order of step and time, as training logs them. */
const batches = fc
  .tuple(fc.array(fc.array(point, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 5 }), fc.boolean())
  .map(([given, ordered]) => {
    if (!ordered) return given;
    const steps = given
      .flat()
      .map(({ step }) => step)
      .sort(compare);
    const times = given
      .flat()
      .map(({ timestamp }) => timestamp)
      .sort(compare);
    let next = 0;
    return given.map((batch) => batch.map(({ value }) => ({ value, step: steps[next]!, timestamp: times[next++]! })));
  });

const compare = <T extends number | bigint>(a: T, b: T) => (a < b ? -1 : a > b ? 1 : 0);
const plain = ({ value }: Point) => (Number.isNaN(value) ? 0 : value);
const nan = ({ value }: Point) => (Number.isNaN(value) ? 1 : 0);
const byStep = (a: Point, b: Point) =>
  compare(a.step, b.step) || compare(a.timestamp, b.timestamp) || compare(plain(a), plain(b)) || nan(a) - nan(b);
const byTime = (a: Point, b: Point) =>
  compare(a.timestamp, b.timestamp) || compare(a.step, b.step) || compare(plain(a), plain(b)) || nan(a) - nan(b);

/** A point as the wire says it; integers as text, exactly. */
const wire = ({ value, timestamp, step }: Point) =>
  `${Number.isFinite(value) ? JSON.stringify(value) : JSON.stringify(String(value))} at ${timestamp} step ${step}`;

/** What the history holds: every point once. */
const distinct = (points: readonly Point[]) => [...new Map(points.map((p) => [wire(p), p])).values()];

/** Reads points off JSON text without cutting 64-bit integers. */
const points = (text: string): string[] =>
  [...text.matchAll(/"value":([^,]+),"timestamp":(-?\d+),"step":(-?\d+)/g)].map(
    ([, value, timestamp, step]) => `${value} at ${timestamp} step ${step}`,
  );

for (const dialect of dialects) {
  describe(`metrics on ${dialect.name}`, () => {
    let api: Api;
    let runs = 0;
    beforeAll(async () => {
      api = await openApi(dialect);
    });
    afterAll(() => api?.close());

    const newRun = async () => {
      const runUuid = (++runs).toString(16).padStart(32, '0');
      await api.db.write(createRun, { runUuid, experimentId: '0', name: 'n', userId: '', startTime: 0, tags: [] });
      return runUuid;
    };
    const log = (runUuid: string, batch: readonly Point[]) =>
      api.db.write(logBatch, { runUuid, metrics: batch.map((p) => ({ key: KEY, ...p })), params: [], tags: [] });
    const history = async (runUuid: string, size?: number) => {
      const found: string[] = [];
      let token: string | undefined;
      do {
        const { text, status, body } = await api.get<{ next_page_token?: string }>('metrics/get-history', {
          run_id: runUuid,
          metric_key: KEY,
          ...(size !== undefined && { max_results: String(size) }),
          ...(token !== undefined && { page_token: token }),
        });
        expect(status, text).toBe(200);
        const page = points(text);
        if (size !== undefined) expect(page.length).toBeLessThanOrEqual(size);
        found.push(...page);
        token = body.next_page_token;
      } while (token !== undefined);
      return found;
    };
    const sample = async (runUuid: string, max_results: number, range: Record<string, string> = {}) => {
      const query = { run_ids: runUuid, metric_key: KEY, max_results: String(max_results), ...range };
      const { text, status } = await api.get('/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval', query);
      expect(status, text).toBe(200);
      return points(text);
    };

    it(`keeps latest, statistics and history as the model does, whatever arrives when (seed ${seed})`, async () => {
      await fc.assert(
        fc.asyncProperty(batches, fc.integer({ min: 1, max: 6 }), async (given, size) => {
          const runUuid = await newRun();
          for (const batch of given) await log(runUuid, batch);
          const all = distinct(given.flat());
          const real = all.filter(({ value }) => !Number.isNaN(value));

          const latest = all.toSorted(byStep).at(-1)!;
          const { text } = await api.get('runs/get', { run_id: runUuid });
          expect(points(text)).toEqual([wire(latest)]);

          const low = Math.min(...real.map(({ value }) => value));
          const high = Math.max(...real.map(({ value }) => value));
          const stepOf = (wanted: number) =>
            real
              .filter(({ value }) => value === wanted)
              .map(({ step }) => step)
              .sort(compare)[0];
          const [row] = await inspect(
            api.db,
            'SELECT points, low, low_step, high, high_step FROM latest_metrics m JOIN runs r ON r.id = m.run_id WHERE r.run_uuid = ?',
            [runUuid],
          );
          expect(row).toEqual(
            real.length === 0 ? [0, null, null, null, null] : [real.length, low, stepOf(low), high, stepOf(high)],
          );

          const wanted = all.toSorted(byTime).map(wire);
          expect(await history(runUuid)).toEqual(wanted);
          expect(await history(runUuid, size)).toEqual(wanted);
        }),
        { seed, numRuns: dialect.name === 'sqlite' ? 150 : 60 },
      );
    });

    it('sums while the sum is a number, and never fails where it is none', async () => {
      const total = async (...values: number[]) => {
        const runUuid = await newRun();
        for (const [step, value] of values.entries()) await log(runUuid, [{ value, step, timestamp: 0 }]);
        const [row] = await inspect(
          api.db,
          'SELECT total FROM latest_metrics m JOIN runs r ON r.id = m.run_id WHERE r.run_uuid = ?',
          [runUuid],
        );
        return row![0];
      };
      expect(await total(1, 2.5, Number.NaN, -4)).toBe(-0.5);
      expect(await total(1.7e308, 1.7e308)).toBeNull();
      expect(await total(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1)).toBeNull();
      expect(await total(5e-324, 5e-324)).toBe(1e-323);
    });

    /** The rule of the real server: the first of each of `wanted` buckets by rank, and the very last. */
    const ntile = (all: readonly Point[], wanted: number) => {
      const size = Math.floor(all.length / wanted);
      const larger = all.length % wanted;
      if (all.length <= wanted) return all.map(wire);
      const firsts = Array.from({ length: wanted }, (_, i) => all[i * size + Math.min(i, larger)]!);
      return [...firsts.slice(0, -1), all.at(-1)!].map(wire);
    };

    it(`samples contiguous steps as NTILE does, from any first step (seed ${seed})`, async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 1, max: 400 }),
          fc.integer({ min: 1, max: 120 }),
          fc.constantFrom(0n, -50n, 2n ** 53n - 7n, 1_735_689_600_000_000_003n, INT64_MAX - 1_000n),
          fc.option(fc.tuple(fc.nat(150), fc.nat(250))),
          async (count, wanted, from, range) => {
            const runUuid = await newRun();
            const all = Array.from({ length: count }, (_, i) => ({
              step: from + BigInt(i),
              timestamp: i,
              value: i / 2,
            }));
            await log(runUuid, all);
            // The contract has 32-bit bounds of steps.
            if (range === null || from > 1_000n) {
              expect(await sample(runUuid, wanted)).toEqual(ntile(all, wanted));
              return;
            }
            const [start, end] = [from + BigInt(range[0]), from + BigInt(range[0] + range[1])];
            const within = all.filter(({ step }) => step >= start && step <= end);
            const bounds = { start_step: String(start), end_step: String(end) };
            expect(await sample(runUuid, wanted, bounds)).toEqual(ntile(within, wanted));
          },
        ),
        { seed, numRuns: dialect.name === 'sqlite' ? 60 : 25 },
      );
    });

    it(`samples any history in order, with its ends, and never more than asked for (seed ${seed})`, async () => {
      const steps = fc.oneof(
        fc.constant((i: number) => i * 1_000),
        fc.constant((i: number) => (i < 200 ? i : 1_000_000 + i)),
        fc.constant(() => 0),
        fc.constant((i: number) => Math.floor(i / 7)),
        fc.constant((i: number) => i ** 3),
      );
      await fc.assert(
        fc.asyncProperty(
          steps,
          fc.integer({ min: 2, max: 300 }),
          fc.integer({ min: 1, max: 90 }),
          async (at, count, wanted) => {
            const runUuid = await newRun();
            const all = Array.from({ length: count }, (_, i) => ({ step: at(i), timestamp: i, value: i % 5 }));
            await log(runUuid, all);
            const order = all.map(wire);
            const found = await sample(runUuid, wanted);
            expect(found.length).toBeLessThanOrEqual(wanted);
            expect(found.length).toBeGreaterThanOrEqual(Math.min(count, Math.ceil(wanted / 2)));
            const ranks = found.map((text) => order.indexOf(text));
            expect(ranks).toEqual([...new Set(ranks)].sort((a, b) => a - b));
            expect(ranks).not.toContain(-1);
            expect(found.at(-1)).toBe(order.at(-1));
            if (wanted > 1) expect(found[0]).toBe(order[0]);
          },
        ),
        { seed, numRuns: dialect.name === 'sqlite' ? 60 : 25 },
      );
    });

    it('refuses sample sizes and step ranges that mean nothing', async () => {
      const runUuid = await newRun();
      await log(runUuid, [{ value: 1, step: 0, timestamp: 0 }]);
      const asked = { run_ids: runUuid, metric_key: KEY };
      const path = '/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval';
      for (const query of [
        { max_results: '0' },
        { max_results: '-1' },
        { max_results: '2501' },
        { start_step: '1' },
        { start_step: '2', end_step: '1' },
        { run_ids: [] },
        { run_ids: Array.from({ length: 101 }, () => runUuid) },
      ]) {
        const { status, body } = await api.get(path, { ...asked, ...query });
        expect([status, body.error_code], JSON.stringify(query)).toEqual([400, 'INVALID_PARAMETER_VALUE']);
      }
    });

    it('bulk history is by run id, then time, and ends at its limit', async () => {
      const [a, b] = [await newRun(), await newRun()];
      for (const runUuid of [b, a]) {
        await log(
          runUuid,
          [3, 1, 2].map((timestamp) => ({ value: Number.NaN, timestamp, step: 5 - timestamp })),
        );
      }
      const bulk = async (max_results: string) => {
        // A run named twice counts once, and one that is gone takes nothing from the others.
        const query = { run_id: [b, 'f'.repeat(32), a, b], metric_key: KEY, max_results };
        const { body, status } = await api.get<{ metrics?: { run_id: string; timestamp: number; value: unknown }[] }>(
          '/ajax-api/2.0/mlflow/metrics/get-history-bulk',
          query,
        );
        expect(status).toBe(200);
        return body.metrics!.map(({ run_id, timestamp, value }) => [run_id, timestamp, value]);
      };
      const whole = [a, b].flatMap((id) => [1, 2, 3].map((timestamp) => [id, timestamp, 'NaN']));
      expect(await bulk('25000')).toEqual(whole);
      expect(await bulk('4')).toEqual(whole.slice(0, 4));
      expect(await bulk('0')).toEqual([]);
      expect(await bulk('-1')).toEqual([]);

      const query = { run_ids: ['f'.repeat(32), a], metric_key: KEY, max_results: '2' };
      const sampled = await api.get('/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval', query);
      expect([sampled.status, points(sampled.text).length]).toEqual([200, 2]);
      const lone = await api.get('metrics/get-history', { run_id: 'f'.repeat(32), metric_key: KEY });
      expect(lone.status).toBe(404);
    });

    it('streams a long history whole, page joins page', async () => {
      const runUuid = await newRun();
      const count = 26_000;
      for (let from = 0; from < count; from += 1_000) {
        const batch = Array.from({ length: 1_000 }, (_, i) => ({
          value: 0.5,
          timestamp: count - from - i,
          step: from + i,
        }));
        await log(runUuid, batch);
      }
      const asked = { run_id: runUuid, metric_key: KEY };
      type History = { metrics: { timestamp: number }[]; next_page_token?: string };
      const whole = await api.ok(api.get<History>('metrics/get-history', asked));
      expect(whole.metrics.map(({ timestamp }) => timestamp)).toEqual(Array.from({ length: count }, (_, i) => i + 1));
      expect(whole.next_page_token).toBeUndefined();

      const first = await api.ok(api.get<History>('metrics/get-history', { ...asked, max_results: '25500' }));
      expect(first.metrics).toEqual(whole.metrics.slice(0, 25_500));
      const rest = await api.ok(
        api.get<History>('metrics/get-history', { ...asked, page_token: first.next_page_token! }),
      );
      expect(rest.metrics).toEqual(whole.metrics.slice(25_500));
    });

    it('refuses a page token of another metric, and one that holds no position', async () => {
      const runUuid = await newRun();
      await log(
        runUuid,
        [0, 1].map((step) => ({ value: 1, step, timestamp: step })),
      );
      const asked = { run_id: runUuid, metric_key: KEY, max_results: '1' };
      const { next_page_token } = await api.ok(api.get<{ next_page_token: string }>('metrics/get-history', asked));
      const [print] = JSON.parse(Buffer.from(next_page_token, 'base64url').toString()) as [string];
      const forged = (position: unknown[]) => Buffer.from(JSON.stringify([print, ...position])).toString('base64url');
      for (const query of [
        { ...asked, metric_key: 'other', page_token: next_page_token },
        ...[[], [1], [1, 2, 3, 'x'], ['a', 2, 3, 0], [1.5, 2, 3, 0], [null, 2, 3, 0]].map((position) => ({
          ...asked,
          page_token: forged(position),
        })),
      ]) {
        const { status, text } = await api.get('metrics/get-history', query);
        expect(status, `${JSON.stringify(query)} ${text}`).toBe(400);
      }
    });
  });
}

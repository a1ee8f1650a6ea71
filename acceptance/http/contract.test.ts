import { type Operation, operations, type Route, routesOf } from '@millrace/wire';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { hostileRequest, validRequest } from '../../packages/wire/src/arbitrary.ts';
import { type Answer, call, send, target } from './support.ts';

const RUNS = Number(process.env.ACCEPTANCE_FUZZ_RUNS ?? 60);
const seed = Number(process.env.ACCEPTANCE_SEED ?? Date.now() % 2 ** 31);
const served = [...operations.values()].filter((operation) => operation.oss && operation.served && operation.request);

/** A value for the wire: `JSON.stringify` has no integers beyond a double's. */
function toJson(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return `[${value.map((item) => toJson(item ?? null)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${toJson(item)}`).join(',')}}`;
}

const asQuery = (body: object): string =>
  Object.entries(body)
    .map(([key, value]) => [key, typeof value === 'object' ? toJson(value) : String(value)])
    .map((pair) => pair.map((part) => encodeURIComponent((part ?? '').toWellFormed())).join('='))
    .join('&');

function request(method: string, path: string, body: Record<string, unknown>): Promise<Answer> {
  const concrete = path.replace(/[:*](\w+)/g, (_, name: string) => {
    const value = body[name];
    return encodeURIComponent((typeof value === 'string' && value !== '' ? value : 'x').toWellFormed());
  });
  if (method === 'GET') return send('GET', `${concrete}?${asQuery(body)}`);
  return send(method, concrete, { body: toJson(body), headers: { 'content-type': 'application/json' } });
}

type Probe = readonly [operation: Operation, route: Route, answer: Answer];

const probes: Probe[] = [];
for (const operation of target === 'millrace' ? served : []) {
  const [route] = routesOf(operation);
  if (route === undefined) continue;
  probes.push([operation, route, await call(route.method, route.path.replace(/[:*]\w+/g, 'x'), {})]);
}
const built = probes.filter(([, , { status }]) => status !== 501);

describe.skipIf(target === 'mlflow')('every operation of the contract', () => {
  // A sound request may have deleted or renamed experiment 0, which later suites of this server expect.
  afterAll(async () => {
    const experiment = { experiment_id: '0' };
    await call('POST', '/api/2.0/mlflow/experiments/restore', experiment);
    await call('POST', '/api/2.0/mlflow/experiments/update', { ...experiment, new_name: 'Default' });
  });

  for (const [{ id }, , { status, text }] of probes)
    test(`${id} is answered, and what is not built says so`, () => {
      expect(status === 501 || status < 500, `${status} ${text}`).toBe(true);
      if (status === 200) return;
      const { error_code } = JSON.parse(text) as { error_code?: string };
      if (status === 501) expect(error_code).toBe('NOT_IMPLEMENTED');
      else expect(error_code).not.toBe('ENDPOINT_NOT_FOUND');
    });

  for (const [operation, { method, path }] of built)
    for (const [kind, generate] of [
      ['sound', validRequest],
      ['hostile', hostileRequest],
    ] as const)
      test(`${operation.id} bears ${kind} requests (seed ${seed})`, async () => {
        const property = fc.asyncProperty(generate(operation), async (body) => {
          const { status, text } = await request(method, path, body);
          expect(status === 501 || status < 500, `${status} ${text}`).toBe(true);
          if (status >= 400) expect(JSON.parse(text), text).toHaveProperty('error_code');
        });
        await fc.assert(property, { seed, numRuns: RUNS, includeErrorInReport: true });
      });
});

import { operations, routesOf } from '@millrace/wire';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hostileRequest, validRequest } from '../../packages/wire/src/arbitrary.ts';
import { type Answer, call, send, target } from './support.ts';

const RUNS = Number(process.env.ACCEPTANCE_FUZZ_RUNS ?? 25);
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

const implemented = new Set<string>();

describe.skipIf(target === 'mlflow')('every operation of the contract', () => {
  for (const operation of served) {
    const [route] = routesOf(operation);
    if (route === undefined) continue;
    test(`${operation.id} is answered, and what is not built says so`, async () => {
      const answer = await call(route.method, route.path.replace(/[:*]\w+/g, 'x'), {});
      if (answer.status !== 501) implemented.add(operation.id);
      expect(answer.status === 501 || answer.status < 500, `${answer.status} ${answer.text}`).toBe(true);
      if (answer.status === 200) return;
      const body = JSON.parse(answer.text) as { error_code?: string };
      if (answer.status === 501) expect(body.error_code).toBe('NOT_IMPLEMENTED');
      if (answer.status === 404) expect(body.error_code).not.toBe('ENDPOINT_NOT_FOUND');
    });
  }

  for (const operation of served) {
    const [route] = routesOf(operation);
    if (route === undefined) continue;
    for (const [kind, generate] of [
      ['sound', validRequest],
      ['hostile', hostileRequest],
    ] as const)
      test(`${operation.id} bears ${kind} requests (seed ${seed})`, { timeout: 120_000 }, async ({ skip }) => {
        skip(!implemented.has(operation.id), 'not built yet');
        const property = fc.asyncProperty(generate(operation), async (body) => {
          const { status, text } = await request(route.method, route.path, body);
          expect(status === 501 || status < 500, `${status} ${text}`).toBe(true);
          if (status >= 400) expect(JSON.parse(text), text).toHaveProperty('error_code');
        });
        await fc.assert(property, { seed, numRuns: RUNS });
      });
  }
});

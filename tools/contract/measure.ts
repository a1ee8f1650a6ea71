/**
 * Asks a running MLflow server how it refuses requests, and writes packages/wire/contract/refusals.json: one line a request,
 * each with the server's message. Usage: node tools/contract/measure.ts http://127.0.0.1:5000
 */
import { writeFileSync } from 'node:fs';
import { type Check, type Operation, operations, routesOf } from '@millrace/wire';

interface Case {
  readonly operation: string;
  readonly query?: readonly (readonly [string, string])[];
  /** The text of the body. */
  readonly body?: string;
}

type Values = Record<string, unknown>;

const samples: Readonly<Record<string, unknown>> = { string: 'x', int: 1, float: 0.5, bool: true, array: [] };

function sampleOf(checks: readonly Check[]): unknown {
  if (checks.some((check) => typeof check === 'object' && 'each' in check)) return [];
  if (checks.includes('items:string')) return ['x'];
  if (checks.includes('items:key')) return [{ key: 'k' }];
  if (checks.includes('secret')) return { api_key: 'x' };
  return samples[checks.find((check) => typeof check === 'string' && check in samples) as string] ?? 'x';
}

function wrongValues(check: Check): unknown[] {
  if (typeof check === 'object') {
    if ('each' in check) return [[{}], [Object.fromEntries(check.each.map((key) => [key, key === 'key' ? '' : 1]))]];
    if (check.maxItems !== undefined) return [Array(check.maxItems + 1).fill('x')];
    return [...(check.max === undefined ? [] : [check.max + 1]), ...(check.min === undefined ? [] : [check.min - 1])];
  }
  switch (check) {
    case 'required':
      return [undefined, '', null];
    case 'secret':
      return [undefined, null];
    case 'string':
      return [5, true, ['x'], { a: 'ä', b: [1] }];
    case 'int':
      return ['abc', '', '5x'];
    case 'float':
      return ['abc', ''];
    case 'bool':
      return ['yes', 1];
    case 'array':
      return ['x', 5, { a: 1 }];
    case 'items:string':
      return [[5], ['x', null]];
    case 'items:key':
      return [[{}], [{ key: '' }]];
  }
}

/** These are asked with every wrong value, the others with the first for each check. */
const thorough = new Set(['logMetric', 'logBatch', 'searchRuns', 'createRun', 'getMetricHistoryBulkInterval']);

function casesOf(op: Operation): Case[] {
  const sound: Values = {};
  for (const [name, checks] of Object.entries(op.checks)) {
    if (checks.includes('required') || checks.includes('secret')) sound[name] = sampleOf(checks);
  }
  const wrong = Object.entries(op.checks).flatMap(([name, checks]) =>
    checks
      .flatMap((check) => wrongValues(check).slice(0, thorough.has(op.rpc) ? undefined : 1))
      .map((value): Values => ({ ...sound, [name]: value })),
  );
  const bodies = [{}, ...wrong, ...aliasClashes(op, sound)];
  const gets = op.endpoints[0]!.method === 'GET';
  return bodies.map((values) =>
    gets ? { operation: op.id, query: asQuery(values) } : { operation: op.id, body: JSON.stringify(values) },
  );
}

const aliasClashes = (op: Operation, sound: Values): Values[] =>
  (op.request?.fields ?? [])
    .filter((field) => field.name !== field.jsonName)
    .slice(0, 1)
    .map((field) => ({ ...sound, [field.name]: 'x', [field.jsonName]: 'x' }));

function asQuery(values: Values): [string, string][] {
  return Object.entries(values).flatMap(([name, value]) => {
    if (value === undefined || value === null) return [];
    return (Array.isArray(value) ? value : [value]).map((item): [string, string] => [name, String(item)]);
  });
}

async function ask(base: string, { operation, query, body }: Case): Promise<{ status: number; message: string }> {
  const [route] = routesOf(operations.get(operation)!);
  const path = route!.path.replace(/[:*]\w+/g, 'x');
  const search = query ? `?${new URLSearchParams(query.map(([name, value]) => [name, value]))}` : '';
  const answer = await fetch(`${base}${path}${search}`, {
    method: route!.method,
    ...(body !== undefined && { body, headers: { 'content-type': 'application/json' } }),
  });
  const text = await answer.text();
  const message = text.startsWith('{') ? (JSON.parse(text) as { message?: string }).message : undefined;
  return { status: answer.status, message: message ?? '' };
}

const refusal = /API docs for more information|^Missing value for|^Request specifies both|^Invalid boolean value/;

async function main(base: string): Promise<void> {
  const lines = new Set<string>();
  for (const op of operations.values()) {
    if (!op.oss || !op.served || Object.keys(op.checks).length === 0 || op.request?.name.startsWith('millrace.'))
      continue;
    for (const request of casesOf(op)) {
      const { status, message } = await ask(base, request);
      if (refusal.test(message)) lines.add(JSON.stringify({ ...request, status, message }));
    }
  }
  const text = `[\n${[...lines].sort().join(',\n')}\n]\n`;
  writeFileSync(new URL('../../packages/wire/contract/refusals.json', import.meta.url), text);
}

await main(process.argv[2] ?? 'http://127.0.0.1:5000');

import { DomainError } from '@millrace/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import refusals from '../contract/refusals.json' with { type: 'json' };
import { hostileRequest, validRequest } from './arbitrary.ts';
import { decodeRequest, type RequestInput } from './codec.ts';
import { encodeResponse, parseJsonBody } from './json.ts';
import { operation, operations } from './operation.ts';

const seed = Number(process.env.MILLRACE_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
console.info(`codec.test: MILLRACE_TEST_SEED=${seed}`);
fc.configureGlobal({ seed, numRuns: 20 });

const served = [...operations.values()].filter((op) => op.oss && op.request !== null);

const decode = (id: string, input: RequestInput): Record<string, unknown> => decodeRequest(operation(id), input);
const refused = (id: string, input: RequestInput): string => {
  try {
    return `accepted: ${encodeResponse(decode(id, input))}`;
  } catch (error) {
    if (error instanceof DomainError && error.status === 400) return error.message;
    throw error;
  }
};

const metric = { run_id: 'r', key: 'k', value: 1, timestamp: 1 };
const logMetric = (change: Record<string, unknown>): Record<string, unknown> =>
  decode('MlflowService.logMetric', { body: { ...metric, ...change } });
const refusedMetric = (change: Record<string, unknown>): string =>
  refused('MlflowService.logMetric', { body: { ...metric, ...change } });

describe('for every operation', () => {
  it('decodes what is valid, and decoding what it decoded changes nothing', () => {
    for (const op of served) {
      fc.assert(
        fc.property(validRequest(op), (body) => {
          const once = decodeRequest(op, { body: parseJsonBody(encodeResponse(body)) });
          expect(decodeRequest(op, { body: parseJsonBody(encodeResponse(once)) }), op.id).toEqual(once);
        }),
      );
    }
  });

  it('answers hostile requests with a message or a 400', () => {
    for (const op of served) {
      fc.assert(
        fc.property(hostileRequest(op), (body) => {
          expect(refused(op.id, { body: parseJsonBody(encodeResponse(body)) }).length).toBeLessThan(1_000_000);
        }),
      );
    }
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

it.each(refusals as { operation: string; query?: [string, string][]; body?: string; message: string }[])(
  'refuses $operation $query $body as MLflow does',
  ({ operation: id, query, body, message }) => {
    expect(refused(id, body === undefined ? { query } : { body: parseJsonBody(body) })).toBe(message);
  },
);

describe('numbers', () => {
  it('keeps every 64-bit integer exact, in and out', () => {
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.boolean(), (value, quoted) => {
        const text = quoted ? `"${value}"` : String(value);
        const body = parseJsonBody(`{"run_id":"r","key":"k","value":1,"timestamp":${text}}`);
        const { timestamp } = decode('MlflowService.logMetric', { body });
        expect(typeof timestamp).toBe(Number.isSafeInteger(Number(value)) ? 'number' : 'bigint');
        expect(encodeResponse({ timestamp })).toBe(`{"timestamp":${value}}`);
      }),
      { numRuns: 500 },
    );
  });

  it('keeps every double exact', () => {
    fc.assert(
      fc.property(fc.double(), (value) => {
        const body = parseJsonBody(encodeResponse({ ...metric, value }));
        expect(decode('MlflowService.logMetric', { body }).value).toBe(value);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['5', 5],
    ['-3', -3],
    ['5.0', 5],
    ['1e3', 1000],
    [' 5', 5],
    [5, 5],
    [-0, 0],
    [1e18, 10n ** 18n],
    [2n ** 53n, 2n ** 53n],
  ])('reads the integer %s', (sent, read) => expect(logMetric({ timestamp: sent }).timestamp).toStrictEqual(read));

  it.each([
    1.5,
    '1_0',
    '5 6',
    true,
    [5],
    2n ** 63n,
    -(2n ** 63n) - 1n,
    '9'.repeat(5000),
    '1e400',
    '9007199254740993.0',
  ])('refuses the integer %s', (sent) =>
    expect(refusedMetric({ timestamp: sent })).toMatch(/^Invalid value .{1,210} for parameter 'timestamp' supplied: /),
  );

  it.each([
    ['NaN', Number.NaN],
    ['-Infinity', Number.NEGATIVE_INFINITY],
    ['1e-3', 0.001],
    [2n ** 60n, 2 ** 60],
  ])('reads the double %s', (sent, read) => expect(logMetric({ value: sent }).value).toBe(read));

  it.each(['nan', 'abc', true, Number.POSITIVE_INFINITY])('refuses the double %s', (sent) =>
    expect(refusedMetric({ value: sent })).toContain("for parameter 'value' supplied: "),
  );

  it('reads the bare NaN and Infinity of Python, but not inside strings', () => {
    const body = parseJsonBody('{"run_id":"NaN \\" NaN","key":"a","value":-Infinity,"timestamp":9007199254740993}');
    const decoded = decode('MlflowService.logMetric', { body });
    expect(decoded).toMatchObject({ run_id: 'NaN " NaN', value: -Infinity, timestamp: 9007199254740993n });
  });
});

describe('fields', () => {
  it('takes either spelling, not both', () => {
    expect(decode('MlflowService.searchRuns', { body: { experimentIds: ['1'] } }).experiment_ids).toEqual(['1']);
    const both = { metrics: [{ key: 'k', value: 1, timestamp: 1, dataset_name: 'a', datasetName: 'a' }], run_id: 'r' };
    expect(refused('MlflowService.logBatch', { body: both })).toBe(
      "Request specifies both 'dataset_name' and 'datasetName'; provide only one of them.",
    );
  });

  it('applies defaults, drops unknown fields and enum names, keeps lists present', () => {
    expect(
      decode('MlflowService.searchRuns', { body: { run_view_type: 'NO_SUCH', unknown: 1, order_by: null } }),
    ).toEqual({
      experiment_ids: [],
      run_view_type: 'ACTIVE_ONLY',
      max_results: 1000,
      order_by: [],
    });
  });

  it('reads enums by name, number and numeric string', () => {
    for (const status of ['FINISHED', 3, '3']) {
      expect(decode('MlflowService.updateRun', { body: { run_id: 'r', status } }).status).toBe('FINISHED');
    }
    expect(refused('MlflowService.searchRuns', { body: { run_view_type: 77 } })).toContain(
      'must be one of ACTIVE_ONLY',
    );
  });

  it('reads run_uuid for run_id', () => {
    expect(logMetric({ run_id: null, run_uuid: 'r' }).run_uuid).toBe('r');
  });

  it('names the place of a fault inside a message', () => {
    const body = { run_id: 'r', metrics: [metric, { ...metric, step: 'x' }] };
    expect(refused('MlflowService.logBatch', { body })).toBe(
      'Invalid value "x" for parameter \'metrics[1].step\' supplied: must be a 64-bit integer.' +
        ' See the API docs for more information about request parameters.',
    );
  });

  it.each(['a\0b', '\ud800', 'x\udc00'])('refuses the text %j', (key) =>
    expect(refusedMetric({ key })).toMatch(/must (not contain the NUL character|be well-formed Unicode)/),
  );

  it('does not repeat a secret', () => {
    const body = { secret_name: 's', secret_value: { key: 5 }, provider: 'p' };
    expect(refused('MlflowService.createGatewaySecret', { body })).toMatch(
      /^Invalid value for parameter 'secret_value/,
    );
  });

  it('keeps hostile keys of a map as keys', () => {
    const body = parseJsonBody('{"secret_name":"s","provider":"p","secret_value":{"__proto__":"a","constructor":"b"}}');
    const { secret_value } = decode('MlflowService.createGatewaySecret', { body });
    expect(Object.entries(secret_value as object)).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
  });
});

describe('query and path', () => {
  it('reads repeated keys, booleans and numbers from the query', () => {
    const query = [
      ['run_ids', 'a'],
      ['run_ids', 'b'],
      ['metric_key', 'k'],
      ['metricKey', 'ignored'],
      ['max_results', '7'],
    ] as const;
    expect(decode('MlflowService.getMetricHistoryBulkInterval', { query })).toEqual({
      run_ids: ['a', 'b'],
      metric_key: 'k',
      max_results: 7,
    });
  });

  it('lets path parameters win and adds those that the message does not hold', () => {
    const input = { body: { trace_id: 'b', assessment: { assessment_name: 'n' } }, path: { trace_id: 'p' } };
    expect(decode('MlflowService.createAssessment', input).trace_id).toBe('p');
    const dataset = decode('MlflowService.setDatasetTags', {
      body: { datasetId: 'b', tags: '{}' },
      path: { dataset_id: 'p' },
    });
    expect(dataset.dataset_id).toBe('p');
    expect(refused('MlflowService.createAssessment', { ...input, path: { trace_id: 'a\0' } })).toContain('NUL');
  });
});

describe('parseJsonBody', () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

  it.each(['', '{bad', 'null', '{"a":1}x', '"{}"', '"null"'])('counts %j as no fields', (text) =>
    expect(parseJsonBody(bytes(text))).toEqual({}),
  );

  it('decodes a JSON string a second time', () => {
    expect(parseJsonBody(JSON.stringify('{"a":9007199254740993}'))).toEqual({ a: 9007199254740993n });
  });

  it.each(['[]', '5', 'true', '"5"'])('refuses %j, which is no object', (text) =>
    expect(() => parseJsonBody(text)).toThrow('The request body must be a JSON object.'),
  );

  it('refuses bytes that are not UTF-8', () => {
    expect(() => parseJsonBody(new Uint8Array([0x7b, 0xff, 0x7d]))).toThrow('must be valid UTF-8');
  });

  it('accepts 100 levels and refuses more, naming the limit', () => {
    const nested = (levels: number): string => `${'{"a":'.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}`;
    expect(parseJsonBody(nested(100))).toBeTypeOf('object');
    for (const levels of [101, 100_000]) expect(() => parseJsonBody(nested(levels))).toThrow('deeper than 100 levels');
  });

  it.each([
    ['escapes', `{"a":"${'\\"'.repeat(1e6)}`],
    ['quotes', '"'.repeat(1e6)],
    ['tokens', 'NaN '.repeat(1e5)],
  ])('survives a long body of %s', (_, text) => expect(parseJsonBody(text)).toEqual({}));

  it('leaves the prototype of objects alone', () => {
    const body = parseJsonBody('{"__proto__":{"polluted":1},"a":9007199254740993}');
    expect(Object.getPrototypeOf(body)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

it('encodes exact integers and non-finite doubles, and omits undefined', () => {
  expect(encodeResponse({ a: 2n ** 62n, b: Number.NaN, c: undefined, d: [-Infinity, 1.5], e: 'ä' })).toBe(
    '{"a":4611686018427387904,"b":"NaN","d":["-Infinity",1.5],"e":"ä"}',
  );
});

import { beforeAll, describe, expect, test } from 'vitest';
import { call, expectError, json, millraceOnly, type NewRun, newRun, send, unique } from './support.ts';

const api = '/api/2.0/mlflow';
const ABSENT_RUN = '0'.repeat(32);
let given: NewRun;

beforeAll(async () => {
  given = await newRun();
});

type Row = readonly [
  what: string,
  method: string,
  path: string,
  body: object | (() => object),
  status: number,
  code: string,
];

const bodyOf = (body: Row[3]): object => (typeof body === 'function' ? body() : body);

describe('status and error code by kind, as measured on the real server', () => {
  const rows: Row[] = [
    ['required field absent', 'POST', '/experiments/create', {}, 400, 'INVALID_PARAMETER_VALUE'],
    ['required field empty', 'POST', '/experiments/create', { name: '' }, 400, 'INVALID_PARAMETER_VALUE'],
    ['text field of a wrong type', 'POST', '/experiments/create', { name: 5 }, 400, 'INVALID_PARAMETER_VALUE'],
    ['query field absent', 'GET', '/experiments/get', {}, 400, 'INVALID_PARAMETER_VALUE'],
    [
      'experiment id that is no number',
      'GET',
      '/experiments/get',
      { experiment_id: 'x' },
      400,
      'INVALID_PARAMETER_VALUE',
    ],
    ['absent experiment', 'GET', '/experiments/get', { experiment_id: '987654321' }, 404, 'RESOURCE_DOES_NOT_EXIST'],
    [
      'absent experiment name',
      'GET',
      '/experiments/get-by-name',
      { experiment_name: 'no such' },
      404,
      'RESOURCE_DOES_NOT_EXIST',
    ],
    ['name taken', 'POST', '/experiments/create', { name: 'Default' }, 400, 'RESOURCE_ALREADY_EXISTS'],
    ['search without a page size', 'POST', '/experiments/search', {}, 400, 'INVALID_PARAMETER_VALUE'],
    ['page size too large', 'POST', '/experiments/search', { max_results: 50_001 }, 400, 'INVALID_PARAMETER_VALUE'],
    ['page size negative', 'GET', '/experiments/search', { max_results: -1 }, 400, 'INVALID_PARAMETER_VALUE'],
    ['absent run', 'GET', '/runs/get', { run_id: ABSENT_RUN }, 404, 'RESOURCE_DOES_NOT_EXIST'],
    ['both spellings of a field', 'POST', '/runs/update', { run_id: 'a', runId: 'a' }, 400, 'INVALID_PARAMETER_VALUE'],
    [
      'metric of an absent run',
      'POST',
      '/runs/log-metric',
      { run_id: ABSENT_RUN, key: 'k', value: 1, timestamp: 1 },
      404,
      'RESOURCE_DOES_NOT_EXIST',
    ],
    [
      'metric without a key',
      'POST',
      '/runs/log-metric',
      () => ({ run_id: given.run, value: 1, timestamp: 1 }),
      400,
      'INVALID_PARAMETER_VALUE',
    ],
    [
      'metric with text',
      'POST',
      '/runs/log-metric',
      () => ({ run_id: given.run, key: 'k', value: 'x', timestamp: 1 }),
      400,
      'INVALID_PARAMETER_VALUE',
    ],
    [
      'metric without a timestamp',
      'POST',
      '/runs/log-metric',
      () => ({ run_id: given.run, key: 'k', value: 1 }),
      400,
      'INVALID_PARAMETER_VALUE',
    ],
    [
      'key out of its bounds',
      'POST',
      '/runs/log-parameter',
      () => ({ run_id: given.run, key: '../k', value: '1' }),
      400,
      'INVALID_PARAMETER_VALUE',
    ],
    [
      'absent tag',
      'POST',
      '/runs/delete-tag',
      () => ({ run_id: given.run, key: 'absent' }),
      404,
      'RESOURCE_DOES_NOT_EXIST',
    ],
    [
      'filter that is none',
      'POST',
      '/runs/search',
      () => ({ experiment_ids: [given.experiment], filter: 'gibberish' }),
      400,
      'INVALID_PARAMETER_VALUE',
    ],
    [
      'order that is none',
      'POST',
      '/runs/search',
      () => ({ experiment_ids: [given.experiment], order_by: ['gibberish'] }),
      400,
      'INVALID_PARAMETER_VALUE',
    ],
    [
      'token that is none',
      'POST',
      '/runs/search',
      () => ({ experiment_ids: [given.experiment], page_token: '%%%' }),
      400,
      'INVALID_PARAMETER_VALUE',
    ],
    ['list field of a wrong type', 'POST', '/runs/search', { experiment_ids: '1' }, 400, 'INVALID_PARAMETER_VALUE'],
    ['absent logged model', 'GET', '/logged-models/m-0', {}, 404, 'RESOURCE_DOES_NOT_EXIST'],
    ['artifacts of an absent run', 'GET', '/artifacts/list', { run_id: ABSENT_RUN }, 404, 'RESOURCE_DOES_NOT_EXIST'],
    [
      'artifacts outside the run',
      'GET',
      '/artifacts/list',
      () => ({ run_id: given.run, path: '../..' }),
      400,
      'INVALID_PARAMETER_VALUE',
    ],
  ];
  for (const [what, method, path, body, status, code] of rows)
    test(what, async () => expectError(await call(method, api + path, bodyOf(body)), status, code));
});

describe('a message names the field', () => {
  const rows: [string, string, string, object, RegExp][] = [
    ['absent', 'POST', '/experiments/create', {}, /'name'/],
    ['wrong type', 'POST', '/runs/search', { experiment_ids: '1' }, /experiment_ids/],
    [
      'over its limit',
      'POST',
      '/experiments/search',
      { max_results: 50_001 },
      /max_results.*50_?001|50_?001.*max_results/s,
    ],
    ['of a missing thing', 'GET', '/experiments/get', { experiment_id: '987654321' }, /987654321/],
  ];
  for (const [what, method, path, body, pattern] of rows)
    test(what, async () => {
      const { message } = JSON.parse((await call(method, api + path, body)).text) as { message: string };
      expect(message).toMatch(pattern);
    });

  test('and cuts a long value', async () => {
    const answer = await call('POST', `${api}/runs/log-batch`, { run_id: 'x'.repeat(100_000) });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    if (process.env.ACCEPTANCE_TARGET !== 'mlflow') expect(answer.text.length).toBeLessThan(5_000);
  });
});

describe('bodies', () => {
  const path = `${api}/experiments/create`;
  const post = (body: string | Buffer, headers: Record<string, string> = json) => send('POST', path, { body, headers });

  test('unparseable JSON counts as an empty body', async () =>
    expectError(await post('{bad'), 400, 'INVALID_PARAMETER_VALUE'));
  test('JSON inside a JSON string is read', async () =>
    expect((await post(JSON.stringify(JSON.stringify({ name: unique('twice') })))).status).toBe(200));
  test('another content type is refused', async () =>
    expectError(await post('{"name":"x"}', { 'content-type': 'text/plain' }), 400, 'INVALID_PARAMETER_VALUE'));
  test('content type parameters are allowed', async () => {
    const headers = { 'content-type': 'application/json; charset=utf-8' };
    expect((await post(JSON.stringify({ name: unique('charset') }), headers)).status).toBe(200);
  });
  test('unknown fields are ignored', async () =>
    expect((await post(JSON.stringify({ name: unique('more'), nonsense: { a: [1] } }))).status).toBe(200));
  test('an unknown enum name is ignored', async () =>
    expect((await call('POST', `${api}/runs/update`, { run_id: given.run, status: 'BAD' })).status).toBe(200));

  for (const body of ['[1]', '5', 'null', 'true'])
    millraceOnly(`${body} as a whole body is refused`, 'it answers 500 to some of them', async () =>
      expectError(await post(body), 400, 'INVALID_PARAMETER_VALUE'),
    );
  millraceOnly('deep nesting is refused', 'it answers 500', async () => {
    const answer = await post(`{"name":${'['.repeat(50_000)}${']'.repeat(50_000)}}`);
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text)).toHaveProperty('error_code');
  });
  millraceOnly('a body beyond the limit is refused', 'it has no limit', async () => {
    const answer = await post(Buffer.alloc(20 << 20, 0x20));
    expect([400, 413]).toContain(answer.status);
    expect(JSON.parse(answer.text)).toHaveProperty('error_code');
  });
  test('a log-batch of the size that MLflow promises is accepted', async () => {
    const metrics = Array.from({ length: 1000 }, (_, at) => ({
      key: `k${at}`.padEnd(250, 'x'),
      value: at,
      timestamp: 1,
    }));
    expect((await call('POST', `${api}/runs/log-batch`, { run_id: given.run, metrics })).status).toBe(200);
  });
  millraceOnly('NUL and a lone surrogate are stored exactly or refused', 'PostgreSQL and UTF-8 lose them', async () => {
    for (const value of ['a\0b', 'a\ud800b']) {
      const tag = { run_id: given.run, key: 'odd', value };
      const answer = await call('POST', `${api}/runs/set-tag`, tag);
      expect([200, 400]).toContain(answer.status);
      if (answer.status === 400) continue;
      const run = JSON.parse((await call('GET', `${api}/runs/get`, { run_id: given.run })).text) as {
        run: { data: { tags: { key: string; value: string }[] } };
      };
      expect(run.run.data.tags.find(({ key }) => key === 'odd')?.value).toBe(value);
    }
  });
});

describe('unknown routes', () => {
  for (const path of [
    '/nonsense',
    '/api/2.0/mlflow/nonsense',
    '/api/9.0/mlflow/experiments/get',
    '/ajax-api/2.0/nonsense',
  ])
    millraceOnly(`GET ${path}`, 'it answers a page of HTML', async () => {
      if (path.startsWith('/api') || path.startsWith('/ajax-api'))
        expectError(await send('GET', path), 404, 'ENDPOINT_NOT_FOUND');
      else expect((await send('POST', path, { body: '{}', headers: json })).status).toBe(404);
    });
  millraceOnly('a wrong method', 'it answers a page of HTML', async () => {
    const answer = await send('GET', '/api/2.0/mlflow/runs/create');
    expect([404, 405]).toContain(answer.status);
    expect(JSON.parse(answer.text)).toHaveProperty('error_code');
  });
});

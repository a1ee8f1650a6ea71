// Promise: no spelling of a path reaches outside the artifact root, on any artifact route.
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startServer, type TestServer, tempDir } from '@millrace/tools/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Answer,
  artifactApi,
  call,
  expectErrorBody,
  expectNoIncident,
  newExperiment,
  post,
  type Run,
  send,
} from './support.ts';

const SECRET = 'the secret that lies outside';

let server: TestServer;
let outside: string;
let experiment: string;
let run_id: string;
let model_id: string;
beforeAll(async () => {
  const base = tempDir('paths');
  outside = join(base, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'secret.txt'), SECRET);
  const dataDir = join(base, 'data');
  server = await startServer({ dataDir });
  experiment = await newExperiment(server.url);
  run_id = (await post<{ run: Run }>(server.url, 'runs/create', { experiment_id: experiment })).run.info.run_id;
  model_id = (
    await post<{ model: { info: { model_id: string } } }>(server.url, 'logged-models', { experiment_id: experiment })
  ).model.info.model_id;
  const home = `${experiment}/${run_id}/artifacts`;
  for (const folder of [home, `${experiment}/models/${model_id}/artifacts`]) {
    expect((await send(server.url, 'PUT', `${artifactApi}/${folder}/kept.txt`, { body: 'kept' })).status).toBe(200);
    symlinkSync(outside, join(dataDir, 'artifacts', folder, 'link'));
    symlinkSync(join(outside, 'secret.txt'), join(dataDir, 'artifacts', folder, 'secret-link.txt'));
  }
});
afterAll(() => server.stop());

const ups = (step: string, times = 8) => step.repeat(times);

/** From any folder below the root to the file outside, in every spelling that a decoder may fall for. */
const spellings = (): string[] => {
  const target = 'outside/secret.txt';
  const absolute = join(outside, 'secret.txt');
  return [
    ...['../', '..\\', './../', '..//', '.../', '..;/', '../.\\', '..\0/', '..\t/', '.. /'].flatMap((step) =>
      [2, 3, 4, 5, 6, 7].map((n) => ups(step, n) + target),
    ),
    ...[
      '%2e%2e/',
      '%2e%2e%2f',
      '..%2f',
      '..%5c',
      '%252e%252e%252f',
      '%c0%ae%c0%ae/',
      '%uff0e%uff0e/',
      '．．/',
      '‥/',
      '..／',
      '..∕',
      '..⁄',
      '%e2%80%a5/',
    ].flatMap((step) => [4, 5, 6].map((n) => ups(step, n) + target)),
    absolute,
    `/${absolute}`,
    `file://${absolute}`,
    `file:${absolute}`,
    encodeURIComponent(absolute),
    `kept.txt/../${ups('../')}${target}`,
    `kept.txt\0${ups('../')}${target}`,
    `kept.txt#${ups('../')}${target}`,
    `kept.txt?${ups('../')}${target}`,
    `C:\\${target}`,
    `\\\\server\\share\\${target}`,
    '..',
    '.',
    '../..',
    'link/secret.txt',
    'link/./secret.txt',
    'secret-link.txt',
    'link',
    '.millrace-tmp/x',
    '~/secret.txt',
    '$HOME',
    '\ud800/x',
  ];
};

/** What a request may answer that stayed inside: a refusal, or nothing found; a listing of nothing. */
function expectInside(answer: Answer, route: string, path: string): void {
  const context = `${route} ${JSON.stringify(path)}: ${answer.status} ${answer.text.slice(0, 200)}`;
  expect(answer.text, context).not.toContain(SECRET);
  expect(answer.text, context).not.toMatch(/"path":\s*"(?:[^"]*\/)?secret\.txt"/);
  if (answer.status !== 501) expect(answer.status, context).toBeLessThan(500);
  if (answer.status >= 400) expectErrorBody(answer, context);
}

/** As a client would spell it, and as one that wants out would: the path goes out as it is. */
const encodings: ((path: string) => string)[] = [
  (path) => encodeURIComponent(path.toWellFormed()),
  (path) =>
    path
      .split('/')
      .map((part) => encodeURIComponent(part.toWellFormed()))
      .join('/'),
  (path) => encodeURIComponent(encodeURIComponent(path.toWellFormed())),
  // What a request line cannot carry is encoded, all else goes out as it stands.
  (path) =>
    path
      .toWellFormed()
      .replace(/[^!-~]/gu, (c) => encodeURIComponent(c))
      .replaceAll('#', '%23'),
];

interface Route {
  readonly name: string;
  /** `path` is encoded already. */
  readonly ask: (path: string) => Promise<Answer>;
}

const below = (path: string) => `${artifactApi}/${experiment}/${run_id}/artifacts/${path}`;
const urlRoutes: Route[] = [
  { name: 'download', ask: (path) => send(server.url, 'GET', below(path)) },
  { name: 'download from the root', ask: (path) => send(server.url, 'GET', `${artifactApi}/${path}`) },
  {
    name: 'head',
    ask: (path) =>
      send(server.url, 'HEAD', below(path)).then((answer) => ({ ...answer, status: Math.min(answer.status, 399) })),
  },
  { name: 'list', ask: (path) => send(server.url, 'GET', `${artifactApi}?path=${path}`) },
  { name: 'presigned download', ask: (path) => send(server.url, 'GET', `/api/2.0/mlflow-artifacts/presigned/${path}`) },
  {
    name: 'list of a run',
    ask: (path) => send(server.url, 'GET', `/api/2.0/mlflow/artifacts/list?run_id=${run_id}&path=${path}`),
  },
  { name: 'get-artifact', ask: (path) => send(server.url, 'GET', `/get-artifact?run_id=${run_id}&path=${path}`) },
  {
    name: 'get-artifact (ajax)',
    ask: (path) => send(server.url, 'GET', `/ajax-api/2.0/mlflow/get-artifact?run_id=${run_id}&path=${path}`),
  },
  {
    name: 'list of a model',
    ask: (path) =>
      send(
        server.url,
        'GET',
        `/api/2.0/mlflow/logged-models/${model_id}/artifacts/directories?artifact_directory_path=${path}`,
      ),
  },
  {
    name: 'file of a model',
    ask: (path) =>
      send(
        server.url,
        'GET',
        `/ajax-api/2.0/mlflow/logged-models/${model_id}/artifacts/files?artifact_file_path=${path}`,
      ),
  },
];
const writeRoutes: Route[] = [
  { name: 'upload', ask: (path) => send(server.url, 'PUT', below(path), { body: 'overwritten' }) },
  { name: 'delete', ask: (path) => send(server.url, 'DELETE', below(path)) },
  {
    name: 'upload-artifact',
    ask: (path) =>
      send(server.url, 'POST', `/ajax-api/2.0/mlflow/upload-artifact?run_uuid=${run_id}&path=${path}`, {
        body: 'overwritten',
      }),
  },
];

describe('paths in URLs', () => {
  test.each(urlRoutes)('$name', async ({ name, ask }) => {
    for (const path of spellings()) for (const encode of encodings) expectInside(await ask(encode(path)), name, path);
  });

  test.each(writeRoutes)('$name', async ({ name, ask }) => {
    for (const path of spellings()) {
      if (path === 'link' || path === 'secret-link.txt') continue;
      for (const encode of encodings) expectInside(await ask(encode(path)), name, path);
    }
    expectUntouched();
  });
});

describe('paths in messages', () => {
  const operations: { name: string; ask: (path: string) => Promise<Answer> }[] = [
    {
      name: 'multipart upload',
      ask: (path) =>
        send(server.url, 'POST', `/api/2.0/mlflow-artifacts/mpu/create/${experiment}`, {
          body: JSON.stringify({ path, num_parts: 1 }),
          headers: { 'content-type': 'application/json' },
        }),
    },
    {
      name: 'presigned upload',
      ask: (path) => call(server.url, 'POST', 'artifacts/create-presigned-upload-url', { run_id, path }),
    },
  ];
  test.each(operations)('$name', async ({ name, ask }) => {
    for (const path of spellings()) expectInside(await ask(path), name, path);
    expectUntouched();
  });

  test('an artifact location of an experiment names no folder of the server', async () => {
    for (const artifact_location of [
      outside,
      `file://${outside}`,
      `file:${outside}`,
      `mlflow-artifacts:/../../outside`,
      'mlflow-artifacts:/%2e%2e/%2e%2e/outside',
      `FILE://${outside}`,
      `./${ups('../')}${outside}`,
      `mlflow-artifacts:/..\\..\\outside`,
    ]) {
      const created = await call(server.url, 'POST', 'experiments/create', {
        name: `located ${artifact_location}`,
        artifact_location,
      });
      expect(created.status, created.text).toBeLessThan(500);
      if (created.status !== 200) continue;
      const { experiment_id } = JSON.parse(created.text) as { experiment_id: string };
      const { run } = await post<{ run: Run }>(server.url, 'runs/create', { experiment_id });
      for (const path of ['', '..', '../..', 'secret.txt', '../../secret.txt']) {
        const query = new URLSearchParams({ run_id: run.info.run_id, path });
        expectInside(await send(server.url, 'GET', `/api/2.0/mlflow/artifacts/list?${query}`), artifact_location, path);
        expectInside(await send(server.url, 'GET', `/get-artifact?${query}`), artifact_location, path);
      }
    }
    expectUntouched();
  });
});

test('the root itself is never deleted', async () => {
  await send(server.url, 'PUT', below('kept.txt'), { body: 'kept' });
  for (const path of ['', '/', '.', './', '%2f', '%2e', '..%2f', '//'])
    await send(server.url, 'DELETE', `${artifactApi}/${path}`);
  expect((await send(server.url, 'GET', below('kept.txt'))).text).toBe('kept');
});

test('the server wrote of no incident', () => expectNoIncident(server));

function expectUntouched(): void {
  expect(readdirSync(outside)).toEqual(['secret.txt']);
  expect(readFileSync(join(outside, 'secret.txt'), 'utf8')).toBe(SECRET);
  // Two folders above the artifact root is the one that holds both.
  expect(readdirSync(join(outside, '..')).sort()).toEqual(['data', 'outside']);
  expect(existsSync(join(server.dataDir, 'millrace.db'))).toBe(true);
}

import { randomUUID } from 'node:crypto';
import { type IncomingHttpHeaders, request } from 'node:http';
import { expect, test } from 'vitest';

/** The server under test, known only by its URL. */
export const url = trackingUri();
export const target: string = process.env.ACCEPTANCE_TARGET ?? 'millrace';
export const artifactApi = '/api/2.0/mlflow-artifacts/artifacts';

function trackingUri(): string {
  const value = process.env.MLFLOW_TRACKING_URI;
  if (value === undefined) throw new Error('MLFLOW_TRACKING_URI names the server to test.');
  return value.replace(/\/$/, '');
}

/** A test of a stated improvement, skipped on the real server; `reason` says how that one differs. */
export const millraceOnly = (name: string, reason: string, body: () => Promise<void>): void => {
  if (target === 'millrace') test(name, body);
  else test.skip(`${name} (the real server differs: ${reason})`, body);
};

export const unique = (stem: string): string => `${stem}-${randomUUID()}`;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
}

/** One request whose path goes out exactly as written: `fetch` would resolve `..` before sending. */
export function send(
  method: string,
  path: string,
  options: { body?: string | Buffer; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const { hostname, port } = new URL(url);
  const length = options.body === undefined ? {} : { 'content-length': Buffer.byteLength(options.body) };
  const headers = { ...length, ...options.headers };
  return new Promise((resolve, reject) => {
    const outgoing = request({ method, hostname, port, path, headers, timeout: 30_000, agent: false }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const bytes = Buffer.concat(chunks);
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, bytes, text: bytes.toString() });
      });
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`${method} ${path}: no answer within 30 s`)));
    outgoing.on('error', reject);
    outgoing.end(options.body);
  });
}

/** A call of an operation: the body becomes JSON, or the query of a GET. */
export function call(method: string, path: string, body?: object): Promise<Answer> {
  if (method !== 'GET') return send(method, path, { body: JSON.stringify(body ?? {}), headers: json });
  const query = Object.entries(body ?? {}).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((item): [string, string] => [name, String(item)]),
  );
  return send('GET', query.length === 0 ? path : `${path}?${new URLSearchParams(query)}`);
}

export const json = { 'content-type': 'application/json' };

/** The body of an answer that must be a success. */
export async function ok<T = Record<string, unknown>>(answer: Promise<Answer>): Promise<T> {
  const { status, text } = await answer;
  expect(status, text).toBe(200);
  return JSON.parse(text) as T;
}

/** Asserts MLflow's error body, whole: nothing of the server's inside shows in it. */
export function expectError(answer: Answer, status: number, code: string): void {
  expect({ status: answer.status, type: answer.headers['content-type'] }, answer.text).toEqual({
    status,
    type: expect.stringMatching(/^application\/json/),
  });
  const body = JSON.parse(answer.text) as { error_code: string; message: string };
  expect(body.error_code, answer.text).toBe(code);
  expect(body.message).toEqual(expect.any(String));
  expect(body.message).not.toMatch(/\n\s+at |node_modules|Traceback|SQLITE|\.ts:\d/);
}

export async function newExperiment(): Promise<string> {
  const path = '/api/2.0/mlflow/experiments/create';
  return (await ok<{ experiment_id: string }>(call('POST', path, { name: unique('http') }))).experiment_id;
}

export interface NewRun {
  readonly experiment: string;
  readonly run: string;
  /** The run's artifact folder in the artifact API, ending in a slash. */
  readonly folder: string;
}

export async function newRun(): Promise<NewRun> {
  const experiment = await newExperiment();
  const path = '/api/2.0/mlflow/runs/create';
  const body = await ok<{ run: { info: { run_id: string } } }>(call('POST', path, { experiment_id: experiment }));
  const run = body.run.info.run_id;
  return { experiment, run, folder: `${artifactApi}/${experiment}/${run}/artifacts/` };
}

import { randomBytes, randomUUID } from 'node:crypto';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { type ChildServer, dialects } from '@millrace/tools/testkit';
import { expect } from 'vitest';

/** 5 for every change; a release asks for more: `MILLRACE_TEST_ROUNDS=20`. */
export const rounds = Number(process.env.MILLRACE_TEST_ROUNDS ?? 5);
export const isLong = rounds >= 20;

export const backends = dialects.map(({ name }) => name);

export const artifactApi = '/api/2.0/mlflow-artifacts/artifacts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
}

export interface Sent {
  readonly body?: string | Buffer;
  readonly headers?: Record<string, string>;
  readonly agent?: Agent | false;
  /** A guard against a hang, in milliseconds. */
  readonly within?: number;
}

const shared = new Agent({ keepAlive: true, maxSockets: 64 });

/** One request; its path goes out exactly as written. Rejects where no whole answer comes. */
export function send(url: string, method: string, path: string, sent: Sent = {}): Promise<Answer> {
  const { hostname, port } = new URL(url);
  const { body, agent = shared, within = 60_000 } = sent;
  const headers = { ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }), ...sent.headers };
  return new Promise((resolve, reject) => {
    const outgoing = request({ method, hostname, port, path, headers, agent, timeout: within }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('aborted', () => reject(new Error(`${method} ${path}: the answer was cut off`)));
      incoming.on('end', () => {
        const bytes = Buffer.concat(chunks);
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, bytes, text: bytes.toString() });
      });
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`${method} ${path}: no answer within ${within} ms`)));
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const json = { 'content-type': 'application/json' };

/** A call of an operation: the body becomes JSON, or the query of a GET. */
export function call(url: string, method: string, path: string, body: object = {}, sent: Sent = {}): Promise<Answer> {
  const route = `/api/2.0/mlflow/${path}`;
  if (method !== 'GET') {
    return send(url, method, route, { ...sent, body: JSON.stringify(body), headers: { ...json, ...sent.headers } });
  }
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(body)) {
    for (const item of Array.isArray(value) ? value : [value]) query.append(name, String(item));
  }
  return send(url, 'GET', query.size === 0 ? route : `${route}?${query}`, sent);
}

/** The body of an answer that must be a success. */
export async function ok<T = Record<string, unknown>>(answer: Promise<Answer>): Promise<T> {
  const { status, text } = await answer;
  expect(status, text).toBe(200);
  return JSON.parse(text) as T;
}

export const post = <T = Record<string, unknown>>(url: string, path: string, body: object): Promise<T> =>
  ok<T>(call(url, 'POST', path, body));

export const get = <T = Record<string, unknown>>(url: string, path: string, body: object): Promise<T> =>
  ok<T>(call(url, 'GET', path, body));

export interface KeyValue {
  readonly key: string;
  readonly value: string;
}

export interface Metric {
  readonly key: string;
  readonly value: number | string;
  readonly step: number;
  readonly timestamp: number;
}

export interface Run {
  readonly info: {
    readonly run_id: string;
    readonly run_name: string;
    readonly status: string;
    readonly lifecycle_stage: string;
    readonly end_time?: number;
  };
  readonly data: { readonly metrics?: Metric[]; readonly params?: KeyValue[]; readonly tags?: KeyValue[] };
}

export const unique = (stem: string): string => `${stem}-${randomUUID()}`;

export async function newExperiment(url: string): Promise<string> {
  return (await post<{ experiment_id: string }>(url, 'experiments/create', { name: unique('reliability') }))
    .experiment_id;
}

export async function newRun(url: string, experiment_id: string, more: object = {}): Promise<string> {
  return (await post<{ run: Run }>(url, 'runs/create', { experiment_id, ...more })).run.info.run_id;
}

export const getRun = async (url: string, run_id: string): Promise<Run> =>
  (await get<{ run: Run }>(url, 'runs/get', { run_id })).run;

export const history = async (url: string, run_id: string, metric_key: string): Promise<Metric[]> =>
  (await get<{ metrics?: Metric[] }>(url, 'metrics/get-history', { run_id, metric_key })).metrics ?? [];

export async function searchRuns(url: string, experiment: string, more: object = {}): Promise<Run[]> {
  const found: Run[] = [];
  let page_token: string | undefined;
  do {
    const page: { runs?: Run[]; next_page_token?: string } = await post(url, 'runs/search', {
      experiment_ids: [experiment],
      max_results: 1000,
      ...more,
      ...(page_token === undefined ? {} : { page_token }),
    });
    found.push(...(page.runs ?? []));
    page_token = page.next_page_token;
  } while (page_token !== undefined && page_token !== '');
  return found;
}

/** Nothing of the server's inside may show in an error. */
export function expectErrorBody({ status, headers, text }: Answer, context: string): void {
  expect(headers['content-type'], `${context}: ${status} ${text.slice(0, 300)}`).toMatch(/^application\/json/);
  const body = JSON.parse(text) as { error_code?: unknown; message?: unknown };
  expect(body, context).toMatchObject({ error_code: expect.stringMatching(/^[A-Z_]+$/), message: expect.any(String) });
  expect(body.message, context).not.toMatch(/\n\s+at |node_modules|SQLITE_|\.ts:\d/);
}

/** A sequence of random numbers that its seed replays; the seed is printed. */
export class Random {
  #state: number;

  constructor(seed = Number(process.env.MILLRACE_TEST_SEED ?? randomBytes(4).readUInt32LE())) {
    console.log(`seed: MILLRACE_TEST_SEED=${seed}`);
    this.#state = seed;
  }

  /** From 0 up to and without `below`. */
  below(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}

/** An unexpected failure leaves its stack in the log. */
export function expectNoIncident(server: ChildServer): void {
  const incidents = server
    .log()
    .split('\n')
    .filter((line) => /request failed|nhandled/.test(line));
  expect(incidents.slice(0, 3)).toEqual([]);
}

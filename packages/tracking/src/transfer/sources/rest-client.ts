import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { DomainError, invalid } from '@millrace/core';

type Query = Readonly<Record<string, string>>;
type Env = Readonly<Record<string, string | undefined>>;

const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 300;
const TIMEOUT_MS = 120_000;

/** MLflow's REST API as its own client calls it: credentials from MLFLOW_TRACKING_*, patience with a busy server. */
export class RestClient {
  /** Without credentials. */
  readonly url: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(url: string, env: Env) {
    const { protocol, host, pathname, username, password } = parseUrl(url);
    this.url = `${protocol}//${host}${pathname.replace(/\/+$/, '')}`;
    const authorization = credentials(env, decodeURIComponent(username), decodeURIComponent(password));
    this.#headers = { accept: 'application/json', ...(authorization === undefined ? {} : { authorization }) };
  }

  get<T>(route: string, query: Query): Promise<T> {
    return this.json('GET', `/api/2.0/mlflow/${route}`, query);
  }

  post<T>(route: string, body: object): Promise<T> {
    return this.json('POST', `/api/2.0/mlflow/${route}`, {}, body);
  }

  /** Asks once, without patience: whether the server is there, speaks the API and lets us in. */
  async check(): Promise<void> {
    await this.#fetch('POST', '/api/2.0/mlflow/experiments/search', {}, { view_type: 'ALL', max_results: 1 }, 1);
  }

  async json<T>(method: 'GET' | 'POST', path: string, query: Query, body?: object): Promise<T> {
    const response = await this.#fetch(method, path, query, body);
    return parseExactly(await response.text()) as T;
  }

  async download(path: string, query: Query): Promise<Readable> {
    const { body } = await this.#fetch('GET', path, query);
    return body === null ? Readable.from([]) : Readable.fromWeb(body as ReadableStream);
  }

  async #fetch(method: string, path: string, query: Query, body?: object, attempts = ATTEMPTS): Promise<Response> {
    const search = new URLSearchParams(query).toString();
    const url = `${this.url}${path}${search === '' ? '' : `?${search}`}`;
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#try(url, method, body).catch((error: unknown) => unreachable(this.url, error));
      if (answer instanceof Response && answer.ok) return answer;
      const error = answer instanceof Response ? await failure(answer, path) : answer;
      if (attempt === attempts || error.retryAfter === undefined) throw error;
      await new Promise((resolve) => setTimeout(resolve, FIRST_PAUSE_MS * 2 ** attempt));
    }
  }

  #try(url: string, method: string, body: object | undefined): Promise<Response> {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    if (body === undefined) return fetch(url, { method, headers: this.#headers, signal });
    const headers = { ...this.#headers, 'content-type': 'application/json' };
    return fetch(url, { method, headers, signal, body: JSON.stringify(body) });
  }
}

function parseUrl(url: string): URL {
  if (URL.canParse(url)) return new URL(url);
  throw invalid(`Invalid server URL '${url}': write it as http://host:port.`);
}

function credentials(env: Env, urlUser: string, urlPassword: string): string | undefined {
  const user = env.MLFLOW_TRACKING_USERNAME ?? urlUser;
  const password = env.MLFLOW_TRACKING_PASSWORD ?? urlPassword;
  if (user !== '') return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const token = env.MLFLOW_TRACKING_TOKEN;
  return token === undefined || token === '' ? undefined : `Bearer ${token}`;
}

const unreachable = (url: string, error: unknown): DomainError =>
  new DomainError('TEMPORARILY_UNAVAILABLE', `The server ${url} does not answer (${causeOf(error)}).`, {
    retryAfter: 1,
    cause: error,
  });

const causeOf = (error: unknown): string => {
  const { cause, message } = error as Error;
  return cause instanceof Error && cause.message !== '' ? cause.message : message;
};

const SHOWN = 300;

async function failure(response: Response, path: string): Promise<DomainError> {
  const text = await response.text().catch(() => '');
  const { status } = response;
  if (status === 401 || status === 403) {
    return new DomainError(
      'UNAUTHENTICATED',
      `The server refuses ${path} (${status}): set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN.`,
      { status },
    );
  }
  const passes = status === 429 || (status >= 500 && status !== 501);
  return new DomainError(
    passes
      ? 'TEMPORARILY_UNAVAILABLE'
      : status === 404
        ? 'NOT_FOUND'
        : status === 501
          ? 'NOT_IMPLEMENTED'
          : 'BAD_REQUEST',
    `The server answers ${path} with ${status}: ${messageIn(text)}`,
    { status, ...(passes ? { retryAfter: 1 } : {}) },
  );
}

function messageIn(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: string };
    if (typeof message === 'string') return message.slice(0, SHOWN);
  } catch {
    // No JSON: a proxy's page, shown as it is.
  }
  return text.slice(0, SHOWN).trim();
}

/** Integers beyond 2^53 come as bigint. */
function parseExactly(text: string): unknown {
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  return JSON.parse(text, ((_key: string, value: unknown, context?: { source: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '')
      ? BigInt(context!.source)
      : value) as (key: string, value: unknown) => unknown);
}

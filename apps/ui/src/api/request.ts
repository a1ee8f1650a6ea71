import { reportReachable, reportUnreachable } from '../app/connection.ts';

/** The server understood the request and refused it, in its own words. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** No answer, or one that did not come from the server itself (a proxy's 502). */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
}

type QueryValue = string | number | boolean | readonly string[] | undefined;
export type Query = Readonly<Record<string, QueryValue>>;

/** Relative to the page, so that the app also works below a path prefix. */
export function serverUrl(path: string, query: Query = {}): string {
  const url = new URL(path, document.baseURI);
  url.hash = '';
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) url.searchParams.append(name, String(one));
  }
  return url.href;
}

export async function get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
  const response = await send(serverUrl(`ajax-api/2.0/mlflow/${path}`, query), signal ? { signal } : {});
  return (await response.json()) as T;
}

export async function post<T>(path: string, body: object, signal?: AbortSignal): Promise<T> {
  const init: RequestInit = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  };
  const response = await send(serverUrl(`ajax-api/2.0/mlflow/${path}`), signal ? { ...init, signal } : init);
  return (await response.json()) as T;
}

/** Answers with a successful response, or throws ApiError or UnreachableError. */
export async function send(url: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    reportUnreachable();
    throw new UnreachableError('The server does not answer.');
  }
  if (response.ok) {
    reportReachable();
    return response;
  }
  const refusal = await readRefusal(response);
  if (refusal === undefined && response.status >= 500) {
    reportUnreachable();
    throw new UnreachableError(`The server does not answer (status ${response.status}).`);
  }
  reportReachable();
  throw new ApiError(response.status, refusal?.error_code ?? '', refusal?.message ?? `Status ${response.status}.`);
}

interface Refusal {
  error_code?: string;
  message?: string;
}

async function readRefusal(response: Response): Promise<Refusal | undefined> {
  try {
    const body: unknown = await response.json();
    return typeof body === 'object' && body !== null ? (body as Refusal) : undefined;
  } catch {
    return undefined;
  }
}

import process from 'node:process';

/** A running server that serves the built UI and the API, e.g. http://127.0.0.1:5000. */
export function serverUrl(): string {
  const url = process.env.MILLRACE_TEST_URL;
  if (url === undefined) throw new Error('MILLRACE_TEST_URL is not set: it names the running server that is tested.');
  return url.replace(/\/$/, '');
}

export async function call<T>(method: 'GET' | 'POST' | 'PATCH', path: string, body: object): Promise<T> {
  const query = method === 'GET' ? `?${new URLSearchParams(body as Record<string, string>)}` : '';
  const response = await fetch(`${serverUrl()}/ajax-api/2.0/mlflow/${path}${query}`, {
    method,
    ...(method !== 'GET' && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text.slice(0, 300)}`);
  return JSON.parse(text || '{}') as T;
}

export async function createExperiment(name: string): Promise<string> {
  const { experiment_id } = await call<{ experiment_id: string }>('POST', 'experiments/create', { name });
  return experiment_id;
}

export interface SeedRun {
  name: string;
  params?: Record<string, string>;
  /** Each value on its own step. */
  metrics?: Record<string, readonly (number | string)[]>;
  parent?: string;
  running?: boolean;
  startTime?: number;
}

export async function createRun(experimentId: string, seed: SeedRun): Promise<{ id: string; artifactUri: string }> {
  const start = seed.startTime ?? Date.now() - 60_000;
  const tags = seed.parent === undefined ? [] : [{ key: 'mlflow.parentRunId', value: seed.parent }];
  const { run } = await call<{ run: { info: { run_id: string; artifact_uri: string } } }>('POST', 'runs/create', {
    experiment_id: experimentId,
    run_name: seed.name,
    start_time: start,
    tags,
  });
  const id = run.info.run_id;
  const metrics = Object.entries(seed.metrics ?? {}).flatMap(([key, values]) =>
    values.map((value, step) => ({ key, value, step, timestamp: start + step * 1000 })),
  );
  const params = Object.entries(seed.params ?? {}).map(([key, value]) => ({ key, value }));
  if (metrics.length + params.length > 0) await call('POST', 'runs/log-batch', { run_id: id, metrics, params });
  if (!seed.running) await call('POST', 'runs/update', { run_id: id, status: 'FINISHED', end_time: start + 30_000 });
  return { id, artifactUri: run.info.artifact_uri };
}

export async function createModel(experimentId: string, runId: string, name: string): Promise<string> {
  const { model } = await call<{ model: { info: { model_id: string; artifact_uri: string } } }>(
    'POST',
    'logged-models',
    {
      experiment_id: experimentId,
      name,
      source_run_id: runId,
    },
  );
  const id = model.info.model_id;
  await call('POST', 'runs/outputs', { run_id: runId, models: [{ model_id: id, step: 0 }] });
  await putArtifact(model.info.artifact_uri, 'MLmodel', `model_id: ${id}`);
  await call('PATCH', `logged-models/${id}`, { model_id: id, status: 'LOGGED_MODEL_READY' });
  return id;
}

export async function putArtifact(artifactUri: string, path: string, content: string | Uint8Array): Promise<void> {
  const folder = artifactUri.replace(/^mlflow-artifacts:\/*/, '');
  const url = `${serverUrl()}/ajax-api/2.0/mlflow-artifacts/artifacts/${folder}/${path}`;
  const body = typeof content === 'string' ? content : new Uint8Array(content);
  const response = await fetch(url, { method: 'PUT', body });
  if (!response.ok) throw new Error(`PUT ${url}: ${response.status} ${await response.text()}`);
}

/** One red pixel. */
export const PIXEL = Uint8Array.from(
  atob('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8Dwn4EIwDiqEAD9Awf/0P9hXgAAAABJRU5ErkJggg=='),
  (character) => character.charCodeAt(0),
);

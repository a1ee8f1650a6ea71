import { randomBytes } from 'node:crypto';
import type { Connection } from './http/connection.ts';
import { HISTORY_KEY, historyValue, type SeededRun, seededRun, TIME } from './seeds/recipe.ts';

const API = '/api/2.0/mlflow';
/** Points in one request while a history is filled. */
export const HISTORY_BATCH = 1000;

/** What one client does again and again, as data: it is sent to the process that makes the load. */
export type Plan =
  | { kind: 'log-metric' | 'log-parameter' | 'set-tag'; runIds: string[] }
  | { kind: 'log-batch'; runIds: string[]; metrics: number }
  | { kind: 'lifecycle'; experimentId: string }
  | { kind: 'create-run'; experimentId: string }
  | { kind: 'get'; paths: string[] }
  | { kind: 'post'; path: string; body: string }
  | { kind: 'upload'; paths: string[]; bytes: number }
  | { kind: 'seed-runs'; experimentId: string; runs: number }
  | { kind: 'seed-history'; runId: string; points: number };

export interface Turn {
  /** Which client, and how many turns it has had. */
  client: number;
  turn: number;
  /** Counts everybody's turns in this window, and in all windows. */
  index: number;
  sequence: number;
}

/** Does the work once. */
export type Operation = (connection: Connection, at: Turn) => Promise<unknown>;

/** Every client writes to a run of its own, and to the next one after this many turns. */
const TURNS_PER_RUN = 100;

export function operation(plan: Plan): Operation {
  switch (plan.kind) {
    case 'log-metric':
      return (connection, at) =>
        connection.send('POST', `${API}/runs/log-metric`, metricBody(runOf(plan.runIds, at), at.sequence));
    case 'log-parameter':
      return (connection, at) =>
        connection.send(
          'POST',
          `${API}/runs/log-parameter`,
          `{"run_id":"${runOf(plan.runIds, at)}","key":"param_${at.sequence}","value":"${at.turn}"}`,
        );
    case 'set-tag':
      return (connection, at) =>
        connection.send(
          'POST',
          `${API}/runs/set-tag`,
          `{"run_id":"${runOf(plan.runIds, at)}","key":"tag_${at.turn % 20}","value":"${at.sequence}"}`,
        );
    case 'log-batch':
      return (connection, at) =>
        connection.send('POST', `${API}/runs/log-batch`, batchBody(runOf(plan.runIds, at), plan.metrics, at.sequence));
    case 'lifecycle':
      return (connection, at) => lifecycle(connection, plan.experimentId, at.sequence);
    case 'create-run':
      return (connection, at) =>
        connection.send('POST', `${API}/runs/create`, createBody(plan.experimentId, at.sequence));
    case 'get':
      return (connection, at) => connection.send('GET', plan.paths[at.index % plan.paths.length]!);
    case 'post':
      return (connection) => connection.send('POST', plan.path, plan.body);
    case 'upload': {
      const piece = randomBytes(Math.min(plan.bytes, 1024 * 1024));
      return (connection, at) => connection.upload(plan.paths[at.index % plan.paths.length]!, plan.bytes, piece);
    }
    case 'seed-runs':
      return (connection, at) => seedRun(connection, plan.experimentId, seededRun(at.index, plan.runs));
    case 'seed-history':
      return (connection, at) =>
        connection.send(
          'POST',
          `${API}/runs/log-batch`,
          historyBody(plan.runId, at.index * HISTORY_BATCH, plan.points),
        );
  }
}

function runOf(runIds: string[], at: Turn): string {
  return runIds[(at.client + 16 * Math.floor(at.turn / TURNS_PER_RUN)) % runIds.length]!;
}

export function metricBody(runId: string, step: number): string {
  return `{"run_id":"${runId}","key":"loss","value":${1 / (step + 1)},"timestamp":${TIME + step},"step":${step}}`;
}

/** As a training loop logs: ten metrics, step by step. */
function batchBody(runId: string, metrics: number, sequence: number): string {
  const items: string[] = [];
  for (let index = 0; index < metrics; index++) {
    const step = sequence * (metrics / 10) + Math.floor(index / 10);
    items.push(`{"key":"metric_${index % 10}","value":${1 / (index + 1)},"timestamp":${TIME + step},"step":${step}}`);
  }
  return `{"run_id":"${runId}","metrics":[${items.join(',')}]}`;
}

function createBody(experimentId: string, sequence: number): string {
  return `{"experiment_id":"${experimentId}","start_time":${TIME + sequence},"run_name":"run-${sequence}","tags":[{"key":"mlflow.user","value":"bench"},{"key":"mlflow.source.name","value":"train.py"}]}`;
}

async function createRun(connection: Connection, body: string): Promise<string> {
  const { body: created } = await connection.send('POST', `${API}/runs/create`, body, true);
  return (JSON.parse(created) as { run: { info: { run_id: string } } }).run.info.run_id;
}

/** create, parameters, a metric, a tag, finish: five requests. */
async function lifecycle(connection: Connection, experimentId: string, sequence: number): Promise<void> {
  const runId = await createRun(connection, createBody(experimentId, sequence));
  const params = Array.from({ length: 5 }, (_, index) => `{"key":"p${index}","value":"${sequence}"}`).join(',');
  await connection.send('POST', `${API}/runs/log-batch`, `{"run_id":"${runId}","params":[${params}]}`);
  await connection.send('POST', `${API}/runs/log-metric`, metricBody(runId, sequence));
  await connection.send('POST', `${API}/runs/set-tag`, `{"run_id":"${runId}","key":"stage","value":"done"}`);
  await connection.send(
    'POST',
    `${API}/runs/update`,
    `{"run_id":"${runId}","status":"FINISHED","end_time":${TIME + sequence + 1}}`,
  );
}

async function seedRun(connection: Connection, experimentId: string, run: SeededRun): Promise<void> {
  const runId = await createRun(
    connection,
    JSON.stringify({ experiment_id: experimentId, run_name: run.name, start_time: run.startTime, tags: run.tags }),
  );
  const metrics = run.metrics.map((metric) => ({ ...metric, timestamp: run.startTime, step: 0 }));
  await connection.send(
    'POST',
    `${API}/runs/log-batch`,
    JSON.stringify({ run_id: runId, params: run.params, metrics }),
  );
  await connection.send(
    'POST',
    `${API}/runs/update`,
    JSON.stringify({ run_id: runId, status: 'FINISHED', end_time: run.endTime }),
  );
}

function historyBody(runId: string, first: number, points: number): string {
  const length = Math.min(HISTORY_BATCH, points - first);
  const metrics = Array.from({ length }, (_, offset) => {
    const step = first + offset;
    return { key: HISTORY_KEY, value: historyValue(step), timestamp: TIME + step, step };
  });
  return JSON.stringify({ run_id: runId, metrics });
}

import type { KeyValue, WireDatasetInput, WireDouble, WireMetric, WireRun } from './wire.ts';

export const RUN_STATUSES = ['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED'] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

export interface Metric {
  value: number;
  step: number;
  timestamp: number;
}

/** A run as the screens use it. Keys come from users, so they are looked up in maps, never as properties. */
export interface Run {
  id: string;
  name: string;
  experimentId: string;
  status: RunStatus;
  deleted: boolean;
  user: string;
  startTime: number | undefined;
  endTime: number | undefined;
  artifactUri: string;
  parentId: string | undefined;
  metrics: ReadonlyMap<string, Metric>;
  params: ReadonlyMap<string, string>;
  tags: ReadonlyMap<string, string>;
  datasets: readonly WireDatasetInput[];
  modelsRead: readonly string[];
  modelsMade: readonly string[];
}

const known = new WeakMap<WireRun, Run>();

/** The same wire object gives the same run, so that rows which a refresh left unchanged are not drawn again. */
export function runFromWire(wire: WireRun): Run {
  let run = known.get(wire);
  if (run === undefined) {
    run = read(wire);
    known.set(wire, run);
  }
  return run;
}

function read({ info, data, inputs, outputs }: WireRun): Run {
  const tags = toMap(data?.tags);
  return {
    id: info.run_id,
    name: info.run_name || tags.get('mlflow.runName') || info.run_id,
    experimentId: info.experiment_id,
    status: RUN_STATUSES.find((status) => status === info.status) ?? 'RUNNING',
    deleted: info.lifecycle_stage === 'deleted',
    user: tags.get('mlflow.user') || info.user_id || '',
    startTime: info.start_time || undefined,
    endTime: info.end_time || undefined,
    artifactUri: info.artifact_uri ?? '',
    parentId: tags.get('mlflow.parentRunId'),
    metrics: metricsFromWire(data?.metrics),
    params: toMap(data?.params),
    tags,
    datasets: inputs?.dataset_inputs ?? [],
    modelsRead: (inputs?.model_inputs ?? []).map((model) => model.model_id),
    modelsMade: [...new Set((outputs?.model_outputs ?? []).map((model) => model.model_id))],
  };
}

export function metricsFromWire(metrics: readonly WireMetric[] = []): ReadonlyMap<string, Metric> {
  return new Map(metrics.map((metric) => [metric.key, metricFromWire(metric)]));
}

export function metricFromWire({ value, step, timestamp }: WireMetric): Metric {
  return { value: toNumber(value), step: step ?? 0, timestamp: timestamp ?? 0 };
}

/** MLflow keeps the infinities as the largest doubles. */
export function toNumber(value: WireDouble | undefined): number {
  const number = Number(value ?? 0);
  return Math.abs(number) === Number.MAX_VALUE ? Math.sign(number) * Infinity : number;
}

export function toMap(pairs: readonly KeyValue[] = []): ReadonlyMap<string, string> {
  return new Map(pairs.map(({ key, value }) => [key, value ?? '']));
}

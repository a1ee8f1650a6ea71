import { checkDataset, invalid, missing } from '@millrace/core';
import type { InsertSpec, SqlValue, Transactor } from '@millrace/db';
import { makeKeyIds } from '../keys.store.ts';
import type { Int64, MetricPoint, RunRef } from '../runs/run.ts';

const HISTORY: InsertSpec = {
  table: 'metrics',
  columns: [
    ['run_id', 'int'],
    ['key_id', 'int'],
    ['step', 'int'],
    ['timestamp', 'int'],
    ['value', 'real'],
    ['is_nan', 'int'],
  ],
  onConflict: 'DO NOTHING',
};

/** Of equal values the one of the earliest step stands, whichever came first. */
const KEEP_BEST = (column: string, sign: '<' | '>') => {
  const better = `latest_metrics.${column} IS NULL OR excluded.${column} ${sign} latest_metrics.${column}
    OR (excluded.${column} = latest_metrics.${column} AND excluded.${column}_step < latest_metrics.${column}_step)`;
  return `${column} = CASE WHEN ${better} THEN excluded.${column} ELSE latest_metrics.${column} END,
   ${column}_step = CASE WHEN ${better} THEN excluded.${column}_step ELSE latest_metrics.${column}_step END`;
};

/** Half the largest double: two sums below it add up without overflow, which PostgreSQL would refuse. */
const MAX_TOTAL = 8.9e307;

const IS_LATER = `(excluded.step, excluded.timestamp, excluded.value, excluded.is_nan) >=
  (latest_metrics.step, latest_metrics.timestamp, latest_metrics.value, latest_metrics.is_nan)`;
const KEEP_LATER = (column: string) =>
  `${column} = CASE WHEN ${IS_LATER} THEN excluded.${column} ELSE latest_metrics.${column} END`;

const latest = (inOrder: string): InsertSpec => ({
  table: 'latest_metrics',
  columns: [
    ['run_id', 'int'],
    ['key_id', 'int'],
    ['experiment_id', 'int'],
    ['start_time', 'int'],
    ['value', 'real'],
    ['is_nan', 'int'],
    ['step', 'int'],
    ['timestamp', 'int'],
    ['points', 'int'],
    ['in_order', 'int'],
    ['total', 'real'],
    ['low', 'real'],
    ['low_step', 'int'],
    ['high', 'real'],
    ['high_step', 'int'],
  ],
  onConflict: `(run_id, key_id) DO UPDATE SET
    ${KEEP_LATER('value')}, ${KEEP_LATER('is_nan')}, ${KEEP_LATER('step')}, ${KEEP_LATER('timestamp')},
    points = latest_metrics.points + excluded.points,
    total = CASE WHEN abs(latest_metrics.total) <= ${MAX_TOTAL} AND abs(excluded.total) <= ${MAX_TOTAL}
      THEN latest_metrics.total + excluded.total END,
    ${KEEP_BEST('low', '<')},
    ${KEEP_BEST('high', '>')},
    in_order = CASE WHEN latest_metrics.in_order = 1 AND ${inOrder} THEN 1 ELSE 0 END`,
});

/** One point: history stays in order if it comes after all others by step and by time. */
const LATEST_POINT = latest('excluded.step >= latest_metrics.step AND excluded.timestamp >= latest_metrics.timestamp');
/** The rest of a batch whose first point is in already. */
const LATEST_REST = latest('excluded.in_order = 1');

interface Point {
  readonly step: Int64;
  readonly timestamp: Int64;
  /** 0 for NaN, which compares so in the choice of the latest. */
  readonly value: number;
  readonly isNan: boolean;
}

/**
 * Appends points to the history and moves latest value and statistics along.
 * A point that is there already (same key, step, timestamp and value) changes nothing: a retry is harmless.
 */
export async function appendMetrics(tx: Transactor, run: RunRef, metrics: readonly MetricPoint[]): Promise<void> {
  if (metrics.length === 0) return;
  const ids = await makeKeyIds(tx, new Set(metrics.map(({ key }) => key)));
  const rows: SqlValue[][] = [];
  for (const { key, step, timestamp, value } of metrics) {
    const isNan = Number.isNaN(value);
    rows.push([run.id, ids.get(key)!, step, timestamp, isNan ? 0 : value, isNan ? 1 : 0]);
  }
  const inserted = await tx.insert(HISTORY, rows);
  const byKey = new Map<number, Point[]>();
  rows.forEach((row, i) => {
    if (inserted[i] === 0) return;
    const [, keyId, step, timestamp, value, isNan] = row as [number, number, Int64, Int64, number, number];
    const points = byKey.get(keyId);
    const point = { step, timestamp, value, isNan: isNan === 1 };
    if (points === undefined) byKey.set(keyId, [point]);
    else points.push(point);
  });
  const first: SqlValue[][] = [];
  const rest: SqlValue[][] = [];
  // The same order everywhere, so that two writers of one run never wait for each other in a circle.
  for (const keyId of [...byKey.keys()].sort((a, b) => a - b)) {
    const points = byKey.get(keyId)!.sort(bySteps);
    first.push(summary(run, keyId, points.slice(0, 1), 1));
    if (points.length > 1) rest.push(summary(run, keyId, points.slice(1), isInOrder(points)));
  }
  await tx.insert(LATEST_POINT, first);
  if (rest.length > 0) await tx.insert(LATEST_REST, rest);
}

const compare = (a: Int64, b: Int64) => (a < b ? -1 : a > b ? 1 : 0);
const bySteps = (a: Point, b: Point) =>
  compare(a.step, b.step) ||
  compare(a.timestamp, b.timestamp) ||
  compare(a.value, b.value) ||
  Number(a.isNan) - Number(b.isNan);

/** Whether points in order of step are in order of time too. */
const isInOrder = (points: readonly Point[]) =>
  points.every(({ timestamp }, i) => i === 0 || timestamp >= points[i - 1]!.timestamp) ? 1 : 0;

/** `points` in order of step, timestamp and value; those that have no finite sum have none. */
function summary(run: RunRef, keyId: number, points: readonly Point[], inOrder: 0 | 1): SqlValue[] {
  const last = points[points.length - 1]!;
  let count = 0;
  let total = 0;
  let low: Point | null = null;
  let high: Point | null = null;
  for (const point of points) {
    if (point.isNan) continue;
    count++;
    total += point.value;
    if (low === null || point.value < low.value) low = point;
    if (high === null || point.value > high.value) high = point;
  }
  return [
    run.id,
    keyId,
    run.experimentId,
    run.startTime,
    last.value,
    last.isNan ? 1 : 0,
    last.step,
    last.timestamp,
    count,
    inOrder,
    Math.abs(total) <= MAX_TOTAL ? total : null,
    low?.value ?? null,
    low?.step ?? null,
    high?.value ?? null,
    high?.step ?? null,
  ];
}

export const MODEL_METRICS: InsertSpec = {
  table: 'logged_model_metrics',
  columns: [
    ['model_id', 'int'],
    ['key', 'text'],
    ['dataset_name', 'text'],
    ['dataset_digest', 'text'],
    ['run_uuid', 'text'],
    ['step', 'int'],
    ['timestamp', 'int'],
    ['value', 'real'],
    ['is_nan', 'int'],
  ],
  onConflict: 'DO NOTHING',
};

/** Both are part of the primary key, and an index page of PostgreSQL takes no longer one. */
const MAX_MODEL_METRIC_BYTES = 2_000;

/** Metrics that name a logged model count for it too. A retry is harmless here as well. */
export async function appendModelMetrics(tx: Transactor, run: RunRef, metrics: readonly MetricPoint[]): Promise<void> {
  const ofModels = metrics.filter(({ model_id }) => model_id !== undefined && model_id !== '');
  if (ofModels.length === 0) return;
  const models = new Map<string, number>();
  for (const { key, model_id, dataset_name = '', dataset_digest = '' } of ofModels) {
    checkMetricDataset(key, dataset_name, dataset_digest);
    if (models.has(model_id!)) continue;
    const [row] = await tx.all<[number]>('SELECT id FROM logged_models WHERE model_id = ?', [model_id!]);
    if (row === undefined) throw missing(`Logged model with ID '${model_id}' not found.`);
    models.set(model_id!, row[0]);
  }
  const rows = ofModels.map((metric) => {
    const isNan = Number.isNaN(metric.value);
    return [
      models.get(metric.model_id!)!,
      metric.key,
      metric.dataset_name ?? '',
      metric.dataset_digest ?? '',
      run.runUuid,
      metric.step,
      metric.timestamp,
      isNan ? 0 : metric.value,
      isNan ? 1 : 0,
    ];
  });
  await tx.insert(MODEL_METRICS, rows);
}

function checkMetricDataset(key: string, name: string, digest: string): void {
  if ((name === '') !== (digest === '')) {
    throw invalid('Both dataset_name and dataset_digest must be provided if one is provided');
  }
  checkDataset({ name, digest, source: '' });
  const bytes = Buffer.byteLength(key) + Buffer.byteLength(name);
  if (bytes > MAX_MODEL_METRIC_BYTES) {
    throw invalid(
      `The key and the dataset_name of a metric of a logged model have ${bytes} bytes in UTF-8; they may have at most ${MAX_MODEL_METRIC_BYTES}.`,
    );
  }
}

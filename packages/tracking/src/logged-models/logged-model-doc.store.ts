import { join, list, type Reader, raw, type SqlValue, sql } from '@millrace/db';
import { type Int64, wireDouble } from '../runs/run.ts';
import { encode } from '../runs/run-doc.store.ts';
import { MODEL_COLUMNS, toModel } from './logged-model.store.ts';
import { type LoggedModel, MODEL_STATUSES } from './logged-model.ts';

/** Metrics in one piece of text: a model has as many as were ever logged to it. */
const METRICS_AT_ONCE = 10_000;
const MODELS_AT_ONCE = 200;

const METRIC_COLUMNS = ['key', 'timestamp', 'step', 'run_uuid', 'dataset_name', 'dataset_digest', 'value', 'is_nan'];
const METRIC_ORDER = METRIC_COLUMNS.join(', ');

type MetricRow = [
  key: string,
  timestamp: Int64,
  step: Int64,
  runUuid: string,
  datasetName: string,
  datasetDigest: string,
  value: number,
  isNan: number,
];

/** Where the text goes on: at a model of the list, or within its metrics. */
export interface DocPosition {
  readonly index: number;
  readonly metric: readonly SqlValue[] | null;
}

/** Part of the JSON of a list of models, cut anywhere between two items. */
export interface DocPiece {
  readonly text: string;
  readonly next: DocPosition | null;
}

export const DOC_START: DocPosition = { index: 0, metric: null };

/**
 * Models as JSON of the wire message LoggedModel with commas in between, from `at` on, as much as one piece holds.
 * A model that was removed for good in the meantime is left out.
 */
export async function modelDocs(db: Reader, ids: readonly number[], at: DocPosition): Promise<DocPiece> {
  if (at.metric !== null) return moreMetrics(db, ids, at.index, at.metric, '');
  const wanted = ids.slice(at.index, at.index + MODELS_AT_ONCE);
  const batch = await prefixOfFewMetrics(db, wanted);
  const { models, tags, params } = await readModels(db, batch.length > 0 ? batch : wanted.slice(0, 1));
  const comma = at.index > 0 && models.length > 0 ? ',' : '';
  const [large] = models;
  if (batch.length === 0 && large !== undefined) {
    const head = modelHead(large, tags, params);
    return moreMetrics(db, ids, at.index, null, `${comma}${head}"metrics":[`);
  }
  const metrics = await readMetrics(db, batch);
  const docs = new Map(
    models.map((model) => {
      const own = metrics.get(model.id);
      const head = modelHead(model, tags, params);
      return [model.id, own === undefined ? `${head.replace(/,$/, '')}}}` : `${head}"metrics":[${own.join(',')}]}}`];
    }),
  );
  const end = at.index + Math.max(batch.length, 1);
  const texts = batch.map((id) => docs.get(id)).filter((text) => text !== undefined);
  return {
    text: comma + texts.join(','),
    next: end < ids.length ? { index: end, metric: null } : null,
  };
}

/** The first models that together have no more metrics than one piece holds. */
async function prefixOfFewMetrics(db: Reader, ids: readonly number[]): Promise<readonly number[]> {
  const counts = new Map(
    await db.query<[number, number]>(
      sql`SELECT model_id, count(*) FROM logged_model_metrics WHERE model_id IN ${list(ids)} GROUP BY model_id`,
    ),
  );
  let sum = 0;
  const end = ids.findIndex((id) => {
    sum += counts.get(id) ?? 0;
    return sum > METRICS_AT_ONCE;
  });
  return end < 0 ? ids : ids.slice(0, end);
}

/** The next metrics of one model, and its end where they are the last. */
async function moreMetrics(
  db: Reader,
  ids: readonly number[],
  index: number,
  after: readonly SqlValue[] | null,
  head: string,
): Promise<DocPiece> {
  const marks = (after ?? []).map((value) => sql`${value}`);
  const beyond = after === null ? raw('') : sql` AND (${raw(METRIC_ORDER)}) > (${join(marks, ', ')})`;
  const rows = await db.query<[string, ...MetricRow]>(
    sql`SELECT (SELECT model_id FROM logged_models WHERE id = ${ids[index]!}), ${raw(METRIC_ORDER)}
        FROM logged_model_metrics WHERE model_id = ${ids[index]!}${beyond}
        ORDER BY ${raw(METRIC_ORDER)} LIMIT ${METRICS_AT_ONCE + 1}`,
  );
  const more = rows.length > METRICS_AT_ONCE;
  if (more) rows.pop();
  const metrics = rows.map(([modelId, ...row]) => metricText(modelId, row)).join(',');
  const comma = after !== null && rows.length > 0 ? ',' : '';
  if (!more) {
    const next = index + 1 < ids.length ? { index: index + 1, metric: null } : null;
    return { text: `${head}${comma}${metrics}]}}`, next };
  }
  const [, ...last] = rows[rows.length - 1]!;
  return { text: head + comma + metrics, next: { index, metric: last } };
}

async function readModels(db: Reader, ids: readonly number[]) {
  const among = list(ids);
  const rows = await db.query(sql`SELECT ${raw(MODEL_COLUMNS)} FROM logged_models l WHERE l.id IN ${among}`);
  const keyed = async (table: string) =>
    grouped(
      await db.query<[number, string, string]>(
        sql`SELECT model_id, key, value FROM ${raw(table)} WHERE model_id IN ${among} ORDER BY model_id, key`,
      ),
      ([, key, value]) => ({ key, value }),
    );
  return {
    models: rows.map(toModel),
    tags: await keyed('logged_model_tags'),
    params: await keyed('logged_model_params'),
  };
}

async function readMetrics(db: Reader, ids: readonly number[]): Promise<Map<number, string[]>> {
  const rows = await db.query<[number, string, ...MetricRow]>(
    sql`SELECT x.model_id, l.model_id, ${raw(METRIC_COLUMNS.map((name) => `x.${name}`).join(', '))}
        FROM logged_model_metrics x JOIN logged_models l ON l.id = x.model_id WHERE x.model_id IN ${list(ids)}
        ORDER BY x.model_id, ${raw(METRIC_COLUMNS.map((name) => `x.${name}`).join(', '))}`,
  );
  return grouped(rows, ([, modelId, ...metric]) => metricText(modelId, metric));
}

/** Written out by hand: a page of models has thousands of metrics. */
function metricText(modelId: string, [key, timestamp, step, runUuid, name, digest, value, isNan]: MetricRow): string {
  const dataset =
    name === '' ? '' : `"dataset_name":${JSON.stringify(name)},"dataset_digest":${JSON.stringify(digest)},`;
  return `{"key":${JSON.stringify(key)},"value":${JSON.stringify(wireDouble(value, isNan))},"timestamp":${timestamp},"step":${step},${dataset}"model_id":${JSON.stringify(modelId)},"run_id":${JSON.stringify(runUuid)}}`;
}

interface Item {
  readonly key: string;
  readonly value: string;
}

/** A model's JSON up to its metrics: `{"info":…,"data":{` and `"params":[…],` where it has any. */
function modelHead(model: LoggedModel, tags: Map<number, Item[]>, params: Map<number, Item[]>): string {
  const info = {
    model_id: model.modelId,
    experiment_id: String(model.experimentId),
    name: model.name,
    creation_timestamp_ms: model.creationTime,
    last_updated_timestamp_ms: model.lastUpdateTime,
    artifact_uri: model.artifactLocation,
    status: MODEL_STATUSES[model.status] ?? MODEL_STATUSES[0],
    model_type: model.modelType ?? undefined,
    source_run_id: model.sourceRunId ?? undefined,
    status_message: model.statusMessage ?? undefined,
    tags: tags.get(model.id),
  };
  const own = params.get(model.id);
  return `{"info":${encode(info)},"data":{${own === undefined ? '' : `"params":${encode(own)},`}`;
}

function grouped<R extends readonly [number, ...unknown[]], T>(rows: readonly R[], make: (row: R) => T) {
  const groups = new Map<number, T[]>();
  for (const row of rows) {
    const group = groups.get(row[0]);
    if (group === undefined) groups.set(row[0], [make(row)]);
    else group.push(make(row));
  }
  return groups;
}

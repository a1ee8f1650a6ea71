import { randomUUID } from 'node:crypto';
import { invalid } from '@millrace/core';
import { list, type Reader, raw, read, sql, write } from '@millrace/db';
import type { DatasetInput } from '../datasets/dataset.commands.ts';
import { learnKeyNames } from '../keys.store.ts';
import type { Int64, KeyValue, MetricPoint, RunStatus } from '../runs/run.ts';
import type { ExperimentRecord, ModelMetric, ModelRecord, ModelUse, RunRecord, Stage } from './records.ts';

/** What tells this installation from others in its bundles, made when it is first asked for. */
export const identify = write('exports.identify', async (tx, input: { now: number }): Promise<string> => {
  await tx.run(
    `INSERT INTO imports (source, kind, source_id, target_id, digest, updated_at) VALUES ('', 'self', '', ?, '', ?)
     ON CONFLICT (source, kind, source_id) DO NOTHING`,
    [randomUUID(), input.now],
  );
  const [row] = await tx.all<[string]>("SELECT target_id FROM imports WHERE source = '' AND kind = 'self'");
  return row![0];
});

/** All experiments, or those that are named by id or name. Throws for a name that there is none of. */
export const exportExperiments = read(
  'exports.experiments',
  async (db, names: readonly string[]): Promise<ExperimentRecord[]> => {
    const rows = await db.all<[number, string, string, Stage, Int64, Int64]>(
      `SELECT id, name, artifact_location, lifecycle_stage, creation_time, last_update_time FROM experiments
       WHERE workspace = 'default' ORDER BY id`,
    );
    const wanted = new Set<number>();
    for (const name of names) {
      const found = rows.find(([, own]) => own === name) ?? rows.find(([id]) => String(id) === name);
      if (found === undefined) throw invalid(`There is no experiment with the name or id '${name}'.`);
      wanted.add(found[0]);
    }
    const chosen = names.length === 0 ? rows : rows.filter(([id]) => wanted.has(id));
    const tags = grouped(
      await db.query<[number, string, string]>(
        sql`SELECT experiment_id, key, value FROM experiment_tags ORDER BY experiment_id, key`,
      ),
      toKeyValue,
    );
    return chosen.map(([id, name, artifactLocation, stage, creationTime, lastUpdateTime]) => ({
      id: String(id),
      name,
      artifactLocation,
      stage,
      creationTime,
      lastUpdateTime,
      tags: tags.get(id) ?? [],
    }));
  },
);

const toKeyValue = ([, key, value]: readonly [number, string, string]): KeyValue => ({ key, value });

/** Rows of an experiment's runs in an order that every installation gives them. */
export const exportRunRows = read(
  'exports.runRows',
  async (db, experimentId: number): Promise<number[]> =>
    (
      await db.query<[number]>(
        sql`SELECT id FROM runs WHERE experiment_id = ${experimentId} AND lifecycle_stage <> 'purging'
            ORDER BY start_time, run_uuid`,
      )
    ).flat(),
);

/** Rows of an experiment's logged models in an order that every installation gives them. */
export const exportModelRows = read(
  'exports.modelRows',
  async (db, experimentId: number): Promise<number[]> =>
    (
      await db.query<[number]>(
        sql`SELECT id FROM logged_models WHERE experiment_id = ${experimentId} ORDER BY creation_time, model_id`,
      )
    ).flat(),
);

export interface ExportedRow<T> {
  readonly rowId: number;
  readonly record: T;
}

type RunRow = [
  id: number,
  experimentId: number,
  runUuid: string,
  name: string,
  userId: string,
  status: RunStatus,
  startTime: Int64,
  endTime: Int64 | null,
  deletedTime: Int64 | null,
  stage: Stage,
  artifactUri: string,
];

/** Runs by their rows, in this order; a run that was removed meanwhile is left out. */
export const exportRuns = read(
  'exports.runs',
  async (db, rowIds: readonly number[]): Promise<ExportedRow<RunRecord>[]> => {
    const found = await db.query<RunRow>(
      sql`SELECT id, experiment_id, run_uuid, name, user_id, status, start_time, end_time, deleted_time, lifecycle_stage,
          artifact_uri
        FROM runs WHERE id IN ${list(rowIds)} AND lifecycle_stage <> 'purging'`,
    );
    const rows = inOrder(rowIds, found);
    const ids = rows.map(([id]) => id);
    const params = await keyed(db, 'params', ids);
    const tags = await keyed(db, 'tags', ids);
    const datasets = await datasetsOf(db, ids);
    const models = await modelsOf(db, ids);
    return rows.map(([id, experimentId, runUuid, name, userId, status, startTime, endTime, ...rest]) => ({
      rowId: id,
      record: {
        runUuid,
        experimentId: String(experimentId),
        name,
        userId,
        status,
        startTime,
        endTime,
        deletedTime: rest[0],
        stage: rest[1],
        artifactUri: rest[2],
        params: params.get(id) ?? [],
        tags: tags.get(id) ?? [],
        datasets: datasets.get(id) ?? [],
        modelInputs: (models.get(id) ?? []).filter(({ kind }) => kind === 0).map(({ use }) => use),
        modelOutputs: (models.get(id) ?? []).filter(({ kind }) => kind === 1).map(({ use }) => use),
      },
    }));
  },
);

async function keyed(db: Reader, table: 'params' | 'tags', ids: readonly number[]) {
  return grouped(
    await db.query<[number, string, string]>(
      sql`SELECT x.run_id, k.name, x.value FROM ${raw(table)} x JOIN keys k ON k.id = x.key_id
          WHERE x.run_id IN ${list(ids)} ORDER BY x.run_id, k.name`,
    ),
    toKeyValue,
  );
}

async function datasetsOf(db: Reader, ids: readonly number[]): Promise<Map<number, DatasetInput[]>> {
  const rows = await db.query<[number, string, string, string, string, string, string | null, string | null]>(
    sql`SELECT i.run_id, i.tags, d.name, d.digest, d.source_type, d.source, d.schema, d.profile
        FROM run_datasets i JOIN datasets d ON d.id = i.dataset_id WHERE i.run_id IN ${list(ids)}
        ORDER BY i.run_id, d.name, d.digest`,
  );
  return grouped(rows, ([, tags, name, digest, source_type, source, schema, profile]) => ({
    tags: JSON.parse(tags) as KeyValue[],
    dataset: {
      name,
      digest,
      source_type,
      source,
      ...(schema === null ? {} : { schema }),
      ...(profile === null ? {} : { profile }),
    },
  }));
}

async function modelsOf(db: Reader, ids: readonly number[]) {
  const rows = await db.query<[number, number, string, Int64]>(
    sql`SELECT run_id, kind, model_id, step FROM run_models WHERE run_id IN ${list(ids)} ORDER BY run_id, kind, model_id`,
  );
  return grouped(rows, ([, kind, model_id, step]): { kind: number; use: ModelUse } => ({
    kind,
    use: { model_id, step },
  }));
}

type PointRow = [keyId: number, step: Int64, timestamp: Int64, value: number, isNan: number];

export type PointCursor = readonly (number | bigint)[];

/** The next points of a run's history in order of key, step and time, and where the page after them begins. */
export const exportPoints = read(
  'exports.points',
  async (
    db,
    input: { rowId: number; after: PointCursor | null; limit: number },
  ): Promise<{ points: MetricPoint[]; next: PointCursor | null }> => {
    const [keyId, step, timestamp, value, isNan] = input.after ?? [];
    const beyond =
      input.after === null
        ? raw('')
        : sql` AND (key_id, step, timestamp, value, is_nan) > (${keyId!}, ${step!}, ${timestamp!}, ${value!}, ${isNan!})`;
    const rows = await db.query<PointRow>(
      sql`SELECT key_id, step, timestamp, value, is_nan FROM metrics WHERE run_id = ${input.rowId}${beyond}
          ORDER BY key_id, step, timestamp, value, is_nan LIMIT ${input.limit}`,
    );
    await learnKeyNames(
      db,
      rows.map(([id]) => id),
    );
    const points = rows.map(([id, step, timestamp, value, isNan]) => ({
      key: db.dictionary.nameOf(id)!,
      step,
      timestamp,
      value: isNan === 1 ? Number.NaN : value,
    }));
    return { points, next: rows.length < input.limit ? null : rows[rows.length - 1]! };
  },
);

type ModelRow = [
  id: number,
  experimentId: number,
  modelId: string,
  name: string,
  artifactLocation: string,
  creationTime: Int64,
  lastUpdateTime: Int64,
  status: number,
  statusMessage: string | null,
  stage: Stage,
  modelType: string | null,
  sourceRunId: string | null,
];

/** Logged models by their rows, in this order. */
export const exportModels = read(
  'exports.models',
  async (db, rowIds: readonly number[]): Promise<ExportedRow<ModelRecord>[]> => {
    const found = await db.query<ModelRow>(
      sql`SELECT id, experiment_id, model_id, name, artifact_location, creation_time, last_update_time, status,
          status_message, lifecycle_stage, model_type, source_run_id
        FROM logged_models WHERE id IN ${list(rowIds)}`,
    );
    const rows = inOrder(rowIds, found);
    const ids = rows.map(([id]) => id);
    const items = async (table: string) =>
      grouped(
        await db.query<[number, string, string]>(
          sql`SELECT model_id, key, value FROM ${raw(table)} WHERE model_id IN ${list(ids)} ORDER BY model_id, key`,
        ),
        toKeyValue,
      );
    const params = await items('logged_model_params');
    const tags = await items('logged_model_tags');
    return rows.map(
      ([id, experimentId, modelId, name, artifactLocation, creationTime, lastUpdateTime, status, ...rest]) => ({
        rowId: id,
        record: {
          modelId,
          experimentId: String(experimentId),
          name,
          artifactLocation,
          creationTime,
          lastUpdateTime,
          status,
          statusMessage: rest[0],
          stage: rest[1],
          modelType: rest[2],
          sourceRunId: rest[3],
          params: params.get(id) ?? [],
          tags: tags.get(id) ?? [],
        },
      }),
    );
  },
);

const MODEL_METRIC_COLUMNS = raw('key, timestamp, step, run_uuid, dataset_name, dataset_digest, value, is_nan');

export type ModelMetricCursor = readonly [string, Int64, Int64, string, string, string, number, number];

export const exportModelMetrics = read(
  'exports.modelMetrics',
  async (
    db,
    input: { rowId: number; after: ModelMetricCursor | null; limit: number },
  ): Promise<{ metrics: ModelMetric[]; next: ModelMetricCursor | null }> => {
    const beyond =
      input.after === null ? raw('') : sql` AND (${MODEL_METRIC_COLUMNS}) > ${list(input.after as ModelMetricCursor)}`;
    const rows = await db.query<[...ModelMetricCursor]>(
      sql`SELECT ${MODEL_METRIC_COLUMNS} FROM logged_model_metrics WHERE model_id = ${input.rowId}${beyond}
          ORDER BY ${MODEL_METRIC_COLUMNS} LIMIT ${input.limit}`,
    );
    const metrics = rows.map(([key, timestamp, step, runUuid, dataset_name, dataset_digest, value, isNan]) => ({
      key,
      timestamp,
      step,
      runUuid,
      dataset_name,
      dataset_digest,
      value: isNan === 1 ? Number.NaN : value,
    }));
    return { metrics, next: rows.length < input.limit ? null : rows[rows.length - 1]! };
  },
);

function inOrder<R extends readonly [number, ...unknown[]]>(ids: readonly number[], rows: readonly R[]): R[] {
  const byId = new Map(rows.map((row) => [row[0], row]));
  return ids.map((id) => byId.get(id)).filter((row) => row !== undefined);
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

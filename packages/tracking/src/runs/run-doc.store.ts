import { list, type Reader, raw, sql } from '@millrace/db';
import { learnKeyNames } from '../keys.store.ts';
import { type Int64, type LifecycleStage, type RunStatus, wireDouble } from './run.ts';

type InfoRow = [
  id: number,
  runUuid: string,
  experimentId: Int64,
  name: string,
  userId: string,
  status: RunStatus,
  startTime: Int64,
  endTime: Int64 | null,
  stage: LifecycleStage,
  artifactUri: string,
];

export const RUN_INFO_COLUMNS = raw(
  'r.id, r.run_uuid, r.experiment_id, r.name, r.user_id, r.status, r.start_time, r.end_time, r.lifecycle_stage, r.artifact_uri',
);

/** A run's own columns as the wire message RunInfo. */
export function runInfo([, runUuid, experimentId, name, userId, status, startTime, endTime, stage, uri]: InfoRow) {
  return {
    run_uuid: runUuid,
    experiment_id: String(experimentId),
    run_name: name,
    user_id: userId,
    status,
    start_time: startTime,
    ...(endTime === null ? {} : { end_time: endTime }),
    artifact_uri: uri,
    lifecycle_stage: stage,
    run_id: runUuid,
  };
}

export type RunInfo = ReturnType<typeof runInfo>;

export async function readInfo(db: Reader, id: number): Promise<RunInfo> {
  const [row] = await db.query<InfoRow>(sql`SELECT ${RUN_INFO_COLUMNS} FROM runs r WHERE r.id = ${id}`);
  return runInfo(row!);
}

interface Keyed {
  readonly key: string;
}

interface RunParts {
  readonly metrics?: readonly Keyed[] | undefined;
  readonly params?: readonly Keyed[] | undefined;
  readonly tags?: readonly Keyed[] | undefined;
  readonly model_inputs?: readonly object[] | undefined;
  readonly dataset_inputs?: readonly object[] | undefined;
  readonly model_outputs?: readonly object[] | undefined;
}

/** The wire message Run as JSON, its parts by key. */
export function encodeRun(info: RunInfo, parts: RunParts): string {
  const { metrics, params, tags, model_inputs, dataset_inputs, model_outputs } = parts;
  const sorted = (items: readonly Keyed[] | undefined) => items?.toSorted(byKey);
  return encode({
    info,
    data: { metrics: sorted(metrics), params: sorted(params), tags: sorted(tags) },
    inputs: { model_inputs, dataset_inputs },
    outputs: { model_outputs },
  });
}

/** Runs as JSON text of the wire message Run, by id; ids of no run are absent. */
export async function assembleRuns(db: Reader, ids: readonly number[]): Promise<Map<number, string>> {
  const docs = new Map<number, string>();
  for (let i = 0; i < ids.length; i += 500) {
    await assembleInto(docs, db, ids.slice(i, i + 500));
  }
  return docs;
}

async function assembleInto(docs: Map<number, string>, db: Reader, ids: readonly number[]): Promise<void> {
  const among = list(ids);
  const infos = await db.query<InfoRow>(sql`SELECT ${RUN_INFO_COLUMNS} FROM runs r WHERE r.id IN ${among}`);
  const metrics = await db.query<[number, number, number, number, Int64, Int64]>(
    sql`SELECT run_id, key_id, value, is_nan, timestamp, step FROM latest_metrics WHERE run_id IN ${among}`,
  );
  const params = await db.query<[number, number, string]>(
    sql`SELECT run_id, key_id, value FROM params WHERE run_id IN ${among}`,
  );
  const tags = await db.query<[number, number, string]>(
    sql`SELECT run_id, key_id, value FROM tags WHERE run_id IN ${among}`,
  );
  await learnKeyNames(
    db,
    [metrics, params, tags].flatMap((rows) => rows.map((row) => row[1])),
  );
  const nameOf = (id: number) => db.dictionary.nameOf(id)!;

  const metricsOf = grouped(metrics, ([, key, value, isNan, timestamp, step]) => ({
    key: nameOf(key),
    value: wireDouble(value, isNan),
    timestamp,
    step,
  }));
  const keyed = (rows: [number, number, string][]) => grouped(rows, ([, key, value]) => ({ key: nameOf(key), value }));
  const paramsOf = keyed(params);
  const tagsOf = keyed(tags);
  const { datasetsOf, inputsOf, outputsOf } = await inputsAndOutputs(db, ids);

  for (const info of infos) {
    const [id] = info;
    const parts = {
      metrics: metricsOf.get(id),
      params: paramsOf.get(id),
      tags: tagsOf.get(id),
      model_inputs: inputsOf.get(id),
      dataset_inputs: datasetsOf.get(id),
      model_outputs: outputsOf.get(id),
    };
    docs.set(id, encodeRun(runInfo(info), parts));
  }
}

async function inputsAndOutputs(db: Reader, ids: readonly number[]) {
  const among = list(ids);
  const datasets = await db.query<[number, string, string, string, string, string, string | null, string | null]>(
    sql`SELECT i.run_id, i.tags, d.name, d.digest, d.source_type, d.source, d.schema, d.profile
        FROM run_datasets i JOIN datasets d ON d.id = i.dataset_id WHERE i.run_id IN ${among} ORDER BY i.run_id, d.id`,
  );
  const models = await db.query<[number, number, string, Int64]>(
    sql`SELECT run_id, kind, model_id, step FROM run_models WHERE run_id IN ${among} ORDER BY run_id, kind, step, model_id`,
  );
  return {
    datasetsOf: grouped(datasets, ([, tags, name, digest, source_type, source, schema, profile]) => ({
      tags: JSON.parse(tags) as unknown,
      dataset: {
        name,
        digest,
        source_type,
        source,
        ...(schema === null ? {} : { schema }),
        ...(profile === null ? {} : { profile }),
      },
    })),
    inputsOf: grouped(
      models.filter(([, kind]) => kind === 0),
      ([, , model_id]) => ({ model_id }),
    ),
    outputsOf: grouped(
      models.filter(([, kind]) => kind === 1),
      ([, , model_id, step]) => ({ model_id, step }),
    ),
  };
}

function grouped<R extends readonly [number, ...unknown[]], T>(
  rows: readonly R[],
  make: (row: R) => T,
): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const row of rows) {
    const group = groups.get(row[0]);
    if (group === undefined) groups.set(row[0], [make(row)]);
    else group.push(make(row));
  }
  return groups;
}

const byKey = (a: Keyed, b: Keyed) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

/** Integers beyond 2^53 are written digit by digit. */
export const encode = (value: unknown): string =>
  JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? rawJson(String(item)) : item));

const { rawJSON: rawJson } = JSON as unknown as { rawJSON(text: string): unknown };

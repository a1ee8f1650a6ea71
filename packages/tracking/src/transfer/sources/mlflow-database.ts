import { dirname } from 'node:path';
import { invalid } from '@millrace/core';
import type { BackendUri } from '@millrace/db';
import type { DatasetInput } from '../../datasets/dataset.commands.ts';
import { type Int64, type KeyValue, type MetricPoint, RUN_NAME_TAG, type RunStatus } from '../../runs/run.ts';
import type { ArtifactTree } from '../artifact-tree.ts';
import type {
  ArtifactOwner,
  ExperimentRecord,
  ImportSource,
  ModelMetric,
  ModelRecord,
  ModelUse,
  RunRecord,
  Sourced,
  Stage,
} from '../records.ts';
import { ArtifactLocations } from './artifact-locations.ts';
import { LEFT_OUT, Schema } from './mlflow-schema.ts';
import { openReader, type Param, type Row, type SqlReader, type Value } from './sql-reader.ts';

const RECORDS_AT_ONCE = 200;
const POINTS_AT_ONCE = 10_000;

/** The database of an MLflow server, of any version since 1.30: what its schema lacks reads as absent. */
export async function openMlflowDatabase(uri: BackendUri, artifactRoot: string | undefined): Promise<ImportSource> {
  const reader = await openReader(uri);
  const schema = await Schema.read(reader);
  if (!schema.has('runs') || !schema.has('experiments')) {
    await reader.close();
    throw invalid(`The database ${reader.title} is not one of MLflow: it has no tables 'experiments' and 'runs'.`);
  }
  const base = uri.dialect === 'sqlite' ? dirname(uri.file) : process.cwd();
  return new MlflowDatabase(reader, schema, new ArtifactLocations(artifactRoot, base));
}

const text = (value: Value | undefined): string => (value === null || value === undefined ? '' : String(value));
const textOrNull = (value: Value | undefined): string | null =>
  value === null || value === undefined ? null : String(value);
const int = (value: Value | undefined): Int64 => (value === null || value === undefined ? 0 : (value as Int64));
const intOrNull = (value: Value | undefined): Int64 | null =>
  value === null || value === undefined ? null : (value as Int64);
const stageOf = (value: Value | undefined): Stage => (value === 'deleted' ? 'deleted' : 'active');
const truth = (value: Value | undefined): boolean => value === 1 || value === true;

class MlflowDatabase implements ImportSource {
  readonly title: string;
  readonly fingerprint: string;
  readonly #reader: SqlReader;
  readonly #schema: Schema;
  readonly #locations: ArtifactLocations;

  constructor(reader: SqlReader, schema: Schema, locations: ArtifactLocations) {
    this.title = `the MLflow database ${reader.title}`;
    this.fingerprint = reader.fingerprint;
    this.#reader = reader;
    this.#schema = schema;
    this.#locations = locations;
  }

  async countRuns(): Promise<number> {
    return this.#count('runs');
  }

  async *experiments(): AsyncGenerator<ExperimentRecord> {
    const tags = await this.#keyed('experiment_tags', 'experiment_id', 'key', 'value', null);
    const columns = [
      'experiment_id',
      'name',
      'artifact_location',
      'lifecycle_stage',
      'creation_time',
      'last_update_time',
    ];
    const rows = await this.#reader.rows(
      `SELECT ${this.#schema.select('experiments', columns)} FROM experiments ORDER BY experiment_id`,
    );
    for (const [id, name, location, stage, creationTime, lastUpdateTime] of rows) {
      yield {
        id: text(id),
        name: text(name),
        artifactLocation: text(location),
        stage: stageOf(stage),
        creationTime: int(creationTime),
        lastUpdateTime: int(lastUpdateTime ?? creationTime),
        tags: tags.get(text(id)) ?? [],
      };
    }
  }

  async *runs(): AsyncGenerator<Sourced<RunRecord>[]> {
    const columns = this.#schema.select('runs', [
      'run_uuid',
      'experiment_id',
      'name',
      'user_id',
      'status',
      'start_time',
      'end_time',
      'deleted_time',
      'lifecycle_stage',
      'artifact_uri',
    ]);
    for (let after = ''; ; ) {
      const rows = await this.#reader.rows(
        `SELECT ${columns} FROM runs WHERE run_uuid > ? ORDER BY run_uuid LIMIT ${RECORDS_AT_ONCE}`,
        [after],
      );
      if (rows.length === 0) return;
      yield await this.#withDetails(rows);
      after = text(rows[rows.length - 1]![0]);
    }
  }

  async #withDetails(rows: readonly Row[]): Promise<Sourced<RunRecord>[]> {
    const ids = rows.map(([id]) => text(id));
    const params = await this.#keyed('params', 'run_uuid', 'key', 'value', ids);
    const tags = await this.#keyed('tags', 'run_uuid', 'key', 'value', ids);
    const latest = grouped(
      await this.#reader.rows(
        'SELECT run_uuid, key, value, timestamp, step, is_nan FROM latest_metrics WHERE run_uuid IN (?) ORDER BY run_uuid, key',
        [ids],
      ),
    );
    const counts = new Map(
      (
        await this.#reader.rows('SELECT run_uuid, count(*) FROM metrics WHERE run_uuid IN (?) GROUP BY run_uuid', [ids])
      ).map(([id, count]) => [text(id), count]),
    );
    const datasets = await this.#datasets(ids);
    const inputs = await this.#models('RUN_INPUT', 'MODEL_INPUT', ids);
    const outputs = await this.#models('RUN_OUTPUT', 'MODEL_OUTPUT', ids);
    return rows.map((row) => {
      const [id, experimentId, name, userId, status, startTime, endTime, deletedTime, stage, artifactUri] = row;
      const runUuid = text(id);
      const own = tags.get(runUuid) ?? [];
      return {
        record: {
          runUuid,
          experimentId: text(experimentId),
          name: text(name) || (own.find(({ key }) => key === RUN_NAME_TAG)?.value ?? ''),
          userId: text(userId),
          status: text(status) as RunStatus,
          startTime: int(startTime),
          endTime: intOrNull(endTime),
          deletedTime: intOrNull(deletedTime),
          stage: stageOf(stage),
          artifactUri: text(artifactUri),
          params: params.get(runUuid) ?? [],
          tags: own,
          datasets: datasets.get(runUuid) ?? [],
          modelInputs: inputs.get(runUuid) ?? [],
          modelOutputs: outputs.get(runUuid) ?? [],
        },
        state: `${counts.get(runUuid) ?? 0} ${JSON.stringify(latest.get(runUuid) ?? [], textOf)}`,
      };
    });
  }

  async #datasets(ids: readonly string[]): Promise<Map<string, DatasetInput[]>> {
    const found = new Map<string, DatasetInput[]>();
    if (!this.#schema.has('inputs') || !this.#schema.has('datasets')) return found;
    const rows = await this.#reader.rows(
      `SELECT i.destination_id, i.input_uuid, d.name, d.digest, d.dataset_source_type, d.dataset_source,
         d.dataset_schema, d.dataset_profile
       FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id
       WHERE i.destination_type = 'RUN' AND i.source_type = 'DATASET' AND i.destination_id IN (?)
       ORDER BY i.destination_id, d.name, d.digest`,
      [ids],
    );
    const tags = await this.#keyed(
      'input_tags',
      'input_uuid',
      'name',
      'value',
      rows.map((row) => text(row[1])),
    );
    for (const [runUuid, input, name, digest, sourceType, source, schema, profile] of rows) {
      const dataset = {
        name: text(name),
        digest: text(digest),
        source_type: text(sourceType),
        source: text(source),
        ...(schema === null ? {} : { schema: text(schema) }),
        ...(profile === null ? {} : { profile: text(profile) }),
      };
      push(found, text(runUuid), { dataset, tags: tags.get(text(input)) ?? [] });
    }
    return found;
  }

  async #models(from: string, to: string, ids: readonly string[]): Promise<Map<string, ModelUse[]>> {
    const found = new Map<string, ModelUse[]>();
    if (!this.#schema.has('inputs') || !this.#schema.has('logged_models')) return found;
    const rows = await this.#reader.rows(
      `SELECT source_id, destination_id, ${this.#schema.select('inputs', ['step'])} FROM inputs
       WHERE source_type = ? AND source_id IN (?) AND destination_type = ? ORDER BY source_id, destination_id`,
      [from, ids, to],
    );
    for (const [runUuid, modelId, step] of rows)
      push(found, text(runUuid), { model_id: text(modelId), step: int(step) });
    return found;
  }

  async *metrics({ runUuid }: RunRecord): AsyncGenerator<MetricPoint[]> {
    const { exactly } = this.#reader;
    const rows = this.#reader.pieces(
      `SELECT key, value, ${exactly('timestamp')}, ${exactly('step')}, is_nan FROM metrics WHERE run_uuid = ?
       ORDER BY key, step, timestamp, value`,
      [runUuid],
      POINTS_AT_ONCE,
    );
    for await (const piece of rows) {
      yield piece.map(([key, value, timestamp, step, isNan]) => ({
        key: text(key),
        value: truth(isNan) ? Number.NaN : (value as number),
        timestamp: exact(timestamp),
        step: exact(step),
      }));
    }
  }

  async *models(): AsyncGenerator<Sourced<ModelRecord>[]> {
    if (!this.#schema.has('logged_models')) return;
    const columns = this.#schema.select('logged_models', [
      'model_id',
      'experiment_id',
      'name',
      'artifact_location',
      'creation_timestamp_ms',
      'last_updated_timestamp_ms',
      'status',
      'status_message',
      'lifecycle_stage',
      'model_type',
      'source_run_id',
    ]);
    for (let after = ''; ; ) {
      const rows = await this.#reader.rows(
        `SELECT ${columns} FROM logged_models WHERE model_id > ? ORDER BY model_id LIMIT ${RECORDS_AT_ONCE}`,
        [after],
      );
      if (rows.length === 0) return;
      yield await this.#modelsWithDetails(rows);
      after = text(rows[rows.length - 1]![0]);
    }
  }

  async #modelsWithDetails(rows: readonly Row[]): Promise<Sourced<ModelRecord>[]> {
    const ids = rows.map(([id]) => text(id));
    const params = await this.#keyed('logged_model_params', 'model_id', 'param_key', 'param_value', ids);
    const tags = await this.#keyed('logged_model_tags', 'model_id', 'tag_key', 'tag_value', ids);
    const counts = new Map(
      (
        await this.#reader.rows(
          `SELECT model_id, count(*), max(metric_timestamp_ms) FROM logged_model_metrics
           WHERE model_id IN (?) GROUP BY model_id`,
          [ids],
        )
      ).map(([id, ...state]) => [text(id), state.join(' ')]),
    );
    return rows.map((row) => {
      const [id, experimentId, name, location, created, updated, status, message, stage, type, sourceRun] = row;
      const modelId = text(id);
      return {
        record: {
          modelId,
          experimentId: text(experimentId),
          name: text(name),
          artifactLocation: text(location),
          creationTime: int(created),
          lastUpdateTime: int(updated),
          status: Number(status),
          statusMessage: textOrNull(message),
          modelType: textOrNull(type),
          sourceRunId: textOrNull(sourceRun),
          stage: stageOf(stage),
          params: params.get(modelId) ?? [],
          tags: tags.get(modelId) ?? [],
        },
        state: counts.get(modelId) ?? '',
      };
    });
  }

  async *modelMetrics({ modelId }: ModelRecord): AsyncGenerator<ModelMetric[]> {
    if (!this.#schema.has('logged_model_metrics')) return;
    const { exactly } = this.#reader;
    const rows = this.#reader.pieces(
      `SELECT metric_name, metric_value, ${exactly('metric_timestamp_ms')}, ${exactly('metric_step')}, run_id, dataset_name,
         dataset_digest
       FROM logged_model_metrics WHERE model_id = ? ORDER BY metric_name, metric_timestamp_ms, metric_step`,
      [modelId],
      POINTS_AT_ONCE,
    );
    for await (const piece of rows) {
      yield piece.map(([key, value, timestamp, step, runUuid, datasetName, datasetDigest]) => ({
        key: text(key),
        value: value === null ? Number.NaN : (value as number),
        timestamp: exact(timestamp),
        step: exact(step),
        runUuid: text(runUuid),
        dataset_name: text(datasetName),
        dataset_digest: text(datasetDigest),
      }));
    }
  }

  artifacts(owner: ArtifactOwner): Promise<ArtifactTree> {
    return this.#locations.find(owner);
  }

  async leftOut(): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    for (const [table, name] of LEFT_OUT) {
      if (!this.#schema.has(table)) continue;
      const count = await this.#count(table);
      if (count > 0) found.set(name, count);
    }
    return found;
  }

  async close(): Promise<void> {
    await this.#locations.close();
    await this.#reader.close();
  }

  async #count(table: string): Promise<number> {
    const [row] = await this.#reader.rows(`SELECT count(*) FROM ${table}`);
    return Number(row![0]);
  }

  /** Keys and values by owner; of all owners where `owners` is null. */
  async #keyed(table: string, owner: string, key: string, value: string, owners: readonly string[] | null) {
    const found = new Map<string, KeyValue[]>();
    if (!this.#schema.has(table)) return found;
    const among = owners === null ? '' : ` WHERE ${owner} IN (?)`;
    const rows = await this.#reader.rows(
      `SELECT ${owner}, ${key}, ${value} FROM ${table}${among} ORDER BY ${owner}, ${key}`,
      owners === null ? [] : ([owners] satisfies Param[]),
    );
    for (const [id, name, content] of rows) push(found, text(id), { key: text(name), value: text(content) });
    return found;
  }
}

const exact = (value: Value | undefined): Int64 => (typeof value === 'string' ? BigInt(value) : int(value));

const textOf = (_key: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value);

function push<T>(lists: Map<string, T[]>, key: string, item: T): void {
  const own = lists.get(key);
  if (own === undefined) lists.set(key, [item]);
  else own.push(item);
}

/** Rows by their first column. */
function grouped(rows: readonly Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const [id, ...rest] of rows) push(groups, text(id), rest);
  return groups;
}

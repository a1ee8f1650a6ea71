import { checkParamKeysUnique, invalid, missing, paramNumber } from '@millrace/core';
import type { InsertSpec, Reader, Transactor } from '@millrace/db';
import type { Int64, KeyValue } from '../runs/run.ts';
import type { LoggedModel } from './logged-model.ts';

type ModelRow = [
  id: number,
  modelId: string,
  experimentId: number,
  name: string,
  artifactLocation: string,
  creationTime: Int64,
  lastUpdateTime: Int64,
  status: number,
  statusMessage: string | null,
  modelType: string | null,
  sourceRunId: string | null,
];

export const MODEL_COLUMNS = `l.id, l.model_id, l.experiment_id, l.name, l.artifact_location, l.creation_time,
  l.last_update_time, l.status, l.status_message, l.model_type, l.source_run_id`;

export function toModel(row: readonly unknown[]): LoggedModel {
  const [id, modelId, experimentId, name, artifactLocation, creationTime, lastUpdateTime, status, ...texts] =
    row as ModelRow;
  const [statusMessage, modelType, sourceRunId] = texts;
  return {
    id,
    modelId,
    experimentId,
    name,
    artifactLocation,
    creationTime,
    lastUpdateTime,
    status,
    statusMessage,
    modelType,
    sourceRunId,
  };
}

export const noModel = (modelId: string) => missing(`Logged model with ID '${modelId.slice(0, 100)}' not found.`);

/** The id of a model's row. A deleted model is found only where that is asked for. */
export async function findModel(db: Reader, modelId: string, allowDeleted: boolean): Promise<number> {
  const [row] = await db.all<[number, string]>('SELECT id, lifecycle_stage FROM logged_models WHERE model_id = ?', [
    modelId,
  ]);
  if (row === undefined || (row[1] === 'deleted' && !allowDeleted)) throw noModel(modelId);
  return row[0];
}

/** The model, kept as it is until the transaction ends. Like MLflow, writes take a deleted model too. */
export async function holdModel(tx: Transactor, modelId: string): Promise<number> {
  const [row] = await tx.all<[number]>(`SELECT id FROM logged_models WHERE model_id = ?${tx.forShare}`, [modelId]);
  if (row === undefined) throw noModel(modelId);
  return row[0];
}

const PARAMS: InsertSpec = {
  table: 'logged_model_params',
  columns: [
    ['model_id', 'int'],
    ['key', 'text'],
    ['value', 'text'],
    ['number', 'real'],
  ],
  onConflict: '(model_id, key) DO NOTHING',
};

const TAGS: InsertSpec = {
  table: 'logged_model_tags',
  columns: [
    ['model_id', 'int'],
    ['key', 'text'],
    ['value', 'text'],
  ],
  onConflict: '(model_id, key) DO UPDATE SET value = excluded.value',
};

/** Params are written once: the same value again is a retry, another one is refused. */
export async function writeModelParams(tx: Transactor, id: number, params: readonly KeyValue[]): Promise<void> {
  if (params.length === 0) return;
  checkParamKeysUnique(params.map(({ key }) => key));
  const inserted = await tx.insert(
    PARAMS,
    sorted(params).map(({ key, value }) => [id, key, value, paramNumber(value)]),
  );
  if (!inserted.includes(0)) return;
  const stored = new Map(
    await tx.all<[string, string]>('SELECT key, value FROM logged_model_params WHERE model_id = ?', [id]),
  );
  for (const { key, value } of params) {
    const old = stored.get(key);
    if (old === value || old === undefined) continue;
    throw invalid(
      `Changing param values is not allowed. Param with key='${key}' was already logged with value='${cut(old)}' for this logged model. Attempted logging new value '${cut(value)}'.`,
    );
  }
}

const cut = (value: string) => (value.length > 500 ? `${value.slice(0, 500).toWellFormed()}…` : value);

/** Sets tags; of several with one key the last stands. */
export async function writeModelTags(tx: Transactor, id: number, tags: readonly KeyValue[]): Promise<void> {
  const last = new Map(tags.map((tag) => [tag.key, tag]));
  await tx.insert(
    TAGS,
    sorted([...last.values()]).map(({ key, value }) => [id, key, value]),
  );
}

/** The same order everywhere, so that two writers of one model never wait for each other in a circle. */
const sorted = (items: readonly KeyValue[]) => [...items].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));

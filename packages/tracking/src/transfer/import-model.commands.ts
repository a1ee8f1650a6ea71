import { DomainError } from '@millrace/core';
import { type SqlValue, write } from '@millrace/db';
import { writeModelParams, writeModelTags } from '../logged-models/logged-model.store.ts';
import { MODEL_METRICS } from '../metrics/metric.store.ts';
import type { Int64 } from '../runs/run.ts';
import { mark } from './imports.store.ts';
import type { ModelMetric, ModelRecord } from './records.ts';

/** A piece of a logged model: its metrics, and with the last piece all the rest. */
export interface ModelImport {
  readonly source: string;
  readonly record: ModelRecord;
  readonly experimentId: Int64;
  readonly artifactLocation: string;
  readonly metrics: readonly ModelMetric[];
  readonly isLast: boolean;
  readonly digest: string;
  readonly now: number;
}

/** The digest of nothing at a source. */
const UNFINISHED = '';

export const importModel = write('imports.model', async (tx, input: ModelImport): Promise<void> => {
  const { record, isLast } = input;
  // As a deleted one, nobody finds it before its last piece is in.
  await tx.run(
    `INSERT INTO logged_models (model_id, experiment_id, name, artifact_location, creation_time, last_update_time,
       status, lifecycle_stage) VALUES (?, ?, ?, ?, ?, ?, ?, 'deleted') ON CONFLICT (model_id) DO NOTHING`,
    [
      record.modelId,
      input.experimentId,
      record.name,
      input.artifactLocation,
      record.creationTime,
      record.lastUpdateTime,
      record.status,
    ],
  );
  const [row] = await tx.all<[number]>(`SELECT id FROM logged_models WHERE model_id = ?${tx.forShare}`, [
    record.modelId,
  ]);
  if (row === undefined) throw new DomainError('ABORTED', `Logged model ${record.modelId} was removed meanwhile.`);
  const [id] = row;
  await tx.insert(
    MODEL_METRICS,
    input.metrics.map((metric) => modelMetricRow(id, metric)),
  );
  const { source, now } = input;
  const digest = isLast ? input.digest : UNFINISHED;
  await mark(tx, { source, kind: 'model', sourceId: record.modelId, targetId: record.modelId, digest, now });
  if (!isLast) return;
  await tx.run(
    `UPDATE logged_models SET name = ?, artifact_location = ?, creation_time = ?, last_update_time = ?, status = ?,
       status_message = ?, lifecycle_stage = ?, model_type = ?, source_run_id = ? WHERE id = ?`,
    [
      record.name,
      input.artifactLocation,
      record.creationTime,
      record.lastUpdateTime,
      record.status,
      record.statusMessage,
      record.stage,
      record.modelType,
      record.sourceRunId,
      id,
    ],
  );
  await tx.run('DELETE FROM logged_model_params WHERE model_id = ?', [id]);
  await tx.run('DELETE FROM logged_model_tags WHERE model_id = ?', [id]);
  await writeModelParams(tx, id, record.params);
  await writeModelTags(tx, id, record.tags);
});

function modelMetricRow(id: number, metric: ModelMetric): SqlValue[] {
  const isNan = Number.isNaN(metric.value);
  return [
    id,
    metric.key,
    metric.dataset_name ?? '',
    metric.dataset_digest ?? '',
    metric.runUuid,
    metric.step,
    metric.timestamp,
    isNan ? 0 : metric.value,
    isNan ? 1 : 0,
  ];
}

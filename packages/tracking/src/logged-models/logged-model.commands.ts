import { appendToUri, missing } from '@millrace/core';
import { read, write } from '@millrace/db';
import { holdActiveExperiment } from '../experiments/experiment.store.ts';
import type { KeyValue } from '../runs/run.ts';
import { findModel, holdModel, noModel, writeModelParams, writeModelTags } from './logged-model.store.ts';
import { DOC_START, type DocPiece, type DocPosition, modelDocs } from './logged-model-doc.store.ts';

/** A list of models, and the first piece of their JSON. */
export interface ModelDocs {
  readonly ids: readonly number[];
  readonly first: DocPiece;
}

export interface NewLoggedModel {
  readonly modelId: string;
  readonly experimentId: string;
  readonly name: string;
  readonly modelType: string;
  readonly sourceRunId: string;
  readonly params: readonly KeyValue[];
  readonly tags: readonly KeyValue[];
  readonly now: number;
}

export const createLoggedModel = write('loggedModels.create', async (tx, model: NewLoggedModel): Promise<ModelDocs> => {
  const experiment = await holdActiveExperiment(tx, model.experimentId);
  const location = appendToUri(experiment.artifactLocation, 'models', model.modelId, 'artifacts');
  await tx.run(
    `INSERT INTO logged_models (model_id, experiment_id, name, artifact_location, creation_time, last_update_time,
       status, model_type, source_run_id) VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?)`,
    [model.modelId, experiment.id, model.name, location, model.now, model.now, model.modelType, model.sourceRunId],
  );
  const id = await holdModel(tx, model.modelId);
  await writeModelParams(tx, id, model.params);
  await writeModelTags(tx, id, model.tags);
  return { ids: [id], first: await modelDocs(tx, [id], DOC_START) };
});

export const finalizeLoggedModel = write(
  'loggedModels.finalize',
  async (tx, input: { modelId: string; status: number; now: number }): Promise<ModelDocs> => {
    const changed = await tx.run('UPDATE logged_models SET status = ?, last_update_time = ? WHERE model_id = ?', [
      input.status,
      input.now,
      input.modelId,
    ]);
    if (changed === 0) throw noModel(input.modelId);
    const id = await findModel(tx, input.modelId, true);
    return { ids: [id], first: await modelDocs(tx, [id], DOC_START) };
  },
);

export const deleteLoggedModel = write(
  'loggedModels.delete',
  async (tx, input: { modelId: string; now: number }): Promise<void> => {
    const changed = await tx.run(
      "UPDATE logged_models SET lifecycle_stage = 'deleted', last_update_time = ? WHERE model_id = ?",
      [input.now, input.modelId],
    );
    if (changed === 0) throw noModel(input.modelId);
  },
);

export const logModelParams = write(
  'loggedModels.logParams',
  async (tx, input: { modelId: string; params: readonly KeyValue[] }): Promise<void> => {
    await writeModelParams(tx, await holdModel(tx, input.modelId), input.params);
  },
);

export const setModelTags = write(
  'loggedModels.setTags',
  async (tx, input: { modelId: string; tags: readonly KeyValue[] }): Promise<void> => {
    await writeModelTags(tx, await holdModel(tx, input.modelId), input.tags);
  },
);

export const deleteModelTag = write(
  'loggedModels.deleteTag',
  async (tx, input: { modelId: string; key: string }): Promise<void> => {
    const id = await holdModel(tx, input.modelId);
    const removed = await tx.run('DELETE FROM logged_model_tags WHERE model_id = ? AND key = ?', [id, input.key]);
    if (removed === 0) throw missing(`No tag with key '${input.key}' found for model with ID '${input.modelId}'.`);
  },
);

export const getLoggedModel = read(
  'loggedModels.get',
  async (db, input: { modelId: string; allowDeleted: boolean }): Promise<ModelDocs> => {
    const id = await findModel(db, input.modelId, input.allowDeleted);
    const first = await modelDocs(db, [id], DOC_START);
    if (first.text === '') throw noModel(input.modelId);
    return { ids: [id], first };
  },
);

/** What follows the first piece. */
export const readModelDocs = read(
  'loggedModels.readDocs',
  async (db, input: { ids: readonly number[]; at: DocPosition }): Promise<DocPiece> =>
    modelDocs(db, input.ids, input.at),
);

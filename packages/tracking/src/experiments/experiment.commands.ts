import { alreadyExists, appendToUri, type DomainError, invalid, missing } from '@millrace/core';
import { read, type Transactor, write } from '@millrace/db';
import type { Int64, KeyValue } from '../runs/run.ts';
import {
  EXPERIMENT_COLUMNS,
  type ExperimentRow,
  findExperiment,
  holdActiveExperiment,
  holdExperiment,
  nextExperimentId,
  noExperiment,
  toExperiment,
  withTags,
} from './experiment.store.ts';

/** UI views of an experiment are kept as tags; each is large. */
const MAX_CUSTOM_VIEWS = 50;
const CUSTOM_VIEW_PREFIX = 'mlflow.customView.view';

const COLUMNS = '(id, name, artifact_location, creation_time, last_update_time)';

/** Experiment 0 is there from the start: a script that names no experiment logs to it. */
export const ensureDefaultExperiment = write(
  'experiments.ensureDefault',
  async (tx, input: { artifactRoot: string; now: number }): Promise<void> => {
    await tx.run(`INSERT INTO experiments ${COLUMNS} VALUES (0, 'Default', ?, ?, ?) ON CONFLICT DO NOTHING`, [
      appendToUri(input.artifactRoot, '0'),
      input.now,
      input.now,
    ]);
  },
);

export interface NewExperiment {
  readonly name: string;
  /** Absent: a folder of its own below the root. */
  readonly artifactLocation: string | undefined;
  readonly artifactRoot: string;
  readonly tags: readonly KeyValue[];
  readonly now: number;
}

export const createExperiment = write('experiments.create', async (tx, input: NewExperiment): Promise<string> => {
  const { name, now } = input;
  const id = await nextExperimentId(tx);
  const location = input.artifactLocation ?? appendToUri(input.artifactRoot, String(id));
  const created = await tx.run(`INSERT INTO experiments ${COLUMNS} VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`, [
    id,
    name,
    location,
    now,
    now,
  ]);
  if (created === 0) throw await nameTaken(tx, name);
  await writeTags(tx, id, input.tags);
  return String(id);
});

async function nameTaken(tx: Transactor, name: string): Promise<DomainError> {
  const [row] = await tx.all<[string]>(
    "SELECT lifecycle_stage FROM experiments WHERE workspace = 'default' AND name = ?",
    [name],
  );
  const deleted =
    row?.[0] === 'deleted' ? ' in deleted state: restore it, or delete it for good with `millrace gc`' : '';
  return alreadyExists(`Experiment(name=${name}) already exists${deleted}.`);
}

async function writeTags(tx: Transactor, id: Int64, tags: readonly KeyValue[]): Promise<void> {
  for (const { key, value } of tags) {
    await tx.run(
      `INSERT INTO experiment_tags (experiment_id, key, value) VALUES (?, ?, ?)
       ON CONFLICT (experiment_id, key) DO UPDATE SET value = excluded.value`,
      [id, key, value],
    );
  }
  if (!tags.some(({ key }) => key.startsWith(CUSTOM_VIEW_PREFIX))) return;
  const [row] = await tx.all<[number]>(
    `SELECT count(*) FROM experiment_tags WHERE experiment_id = ? AND key LIKE '${CUSTOM_VIEW_PREFIX}%'`,
    [id],
  );
  if (row![0] > MAX_CUSTOM_VIEWS) {
    throw invalid(`An experiment has at most ${MAX_CUSTOM_VIEWS} '${CUSTOM_VIEW_PREFIX}*' tags.`);
  }
}

export const renameExperiment = write(
  'experiments.rename',
  async (tx, input: { experimentId: string; name: string; now: number }): Promise<void> => {
    const experiment = await holdExperiment(tx, input.experimentId);
    if (experiment.lifecycleStage !== 'active') throw invalid('Cannot rename a non-active experiment.');
    const [taken] = await tx.all<[number]>(
      "SELECT id FROM experiments WHERE workspace = 'default' AND name = ? AND id <> ?",
      [input.name, experiment.id],
    );
    if (taken !== undefined) throw await nameTaken(tx, input.name);
    await tx.run('UPDATE experiments SET name = ?, last_update_time = ? WHERE id = ?', [
      input.name,
      input.now,
      experiment.id,
    ]);
  },
);

/** Moves an experiment and all its runs between active and deleted. */
export const setExperimentStage = write(
  'experiments.setStage',
  async (tx, input: { experimentId: string; stage: 'active' | 'deleted'; now: number }): Promise<void> => {
    const { stage, now } = input;
    const experiment = await holdExperiment(tx, input.experimentId);
    if (experiment.lifecycleStage === stage) throw noExperiment(input.experimentId);
    await tx.run('UPDATE experiments SET lifecycle_stage = ?, last_update_time = ? WHERE id = ?', [
      stage,
      now,
      experiment.id,
    ]);
    await tx.run(
      "UPDATE runs SET lifecycle_stage = ?, deleted_time = ? WHERE experiment_id = ? AND lifecycle_stage <> 'purging'",
      [stage, stage === 'deleted' ? now : null, experiment.id],
    );
    // Only now, with the runs held, does nobody make a new one of what they were.
    await tx.run('DELETE FROM run_docs WHERE run_id IN (SELECT id FROM runs WHERE experiment_id = ?)', [experiment.id]);
  },
);

export const setExperimentTag = write(
  'experiments.setTag',
  async (tx, input: { experimentId: string; tag: KeyValue }): Promise<void> => {
    const { id } = await holdActiveExperiment(tx, input.experimentId);
    await writeTags(tx, id, [input.tag]);
  },
);

export const deleteExperimentTag = write(
  'experiments.deleteTag',
  async (tx, input: { experimentId: string; key: string }): Promise<void> => {
    const { id } = await holdActiveExperiment(tx, input.experimentId);
    const removed = await tx.run('DELETE FROM experiment_tags WHERE experiment_id = ? AND key = ?', [id, input.key]);
    if (removed === 0) {
      throw missing(`No tag with name: ${input.key} in experiment with id ${input.experimentId}`);
    }
  },
);

/** Answers with the wire message Experiment. */
export const getExperiment = read('experiments.get', async (db, experimentId: string): Promise<object> => {
  const [experiment] = await withTags(db, [await findExperiment(db, experimentId)]);
  return experiment!;
});

/** Deleted experiments are found too: their name is taken. */
export const getExperimentByName = read('experiments.getByName', async (db, name: string): Promise<object> => {
  const [row] = await db.all<ExperimentRow>(
    `SELECT ${EXPERIMENT_COLUMNS} FROM experiments e WHERE e.workspace = 'default' AND e.name = ?`,
    [name],
  );
  if (row === undefined) throw missing(`Could not find experiment with name '${name}'`);
  const [experiment] = await withTags(db, [toExperiment(row)]);
  return experiment!;
});

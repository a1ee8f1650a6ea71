import { invalid, missing, parseExperimentId } from '@millrace/core';
import { list, type Reader, sql, type Transactor } from '@millrace/db';
import type { Int64, KeyValue, LifecycleStage } from '../runs/run.ts';

export interface Experiment {
  readonly id: Int64;
  readonly name: string;
  readonly artifactLocation: string;
  readonly lifecycleStage: LifecycleStage;
  readonly creationTime: Int64;
  readonly lastUpdateTime: Int64;
}

export type ExperimentRow = [Int64, string, string, LifecycleStage, Int64, Int64];

export const EXPERIMENT_COLUMNS =
  'e.id, e.name, e.artifact_location, e.lifecycle_stage, e.creation_time, e.last_update_time';

export const toExperiment = (row: ExperimentRow): Experiment => {
  const [id, name, artifactLocation, lifecycleStage, creationTime, lastUpdateTime] = row;
  return { id, name, artifactLocation, lifecycleStage, creationTime, lastUpdateTime };
};

/** Ids are decimal strings on the wire; those of MLflow's file stores have 18 digits. */
export function experimentIdOf(text: string): Int64 {
  const digits = parseExperimentId(text);
  const id = Number(digits);
  return Number.isSafeInteger(id) ? id : BigInt(digits);
}

/** The highest id that counting reached; an imported one of a file store lies far beyond. */
const COUNTER = 'experiments';
export const MAX_COUNTED_ID = 2 ** 52;

/** An id that no experiment ever had. */
export async function nextExperimentId(tx: Transactor): Promise<number> {
  await tx.run('UPDATE counters SET value = value + 1 WHERE name = ?', [COUNTER]);
  const [row] = await tx.all<[number]>('SELECT value FROM counters WHERE name = ?', [COUNTER]);
  return row![0];
}

/** Tells the counter of an id that was brought along. */
export async function countExperimentId(tx: Transactor, id: Int64): Promise<void> {
  if (id <= MAX_COUNTED_ID)
    await tx.run('UPDATE counters SET value = ? WHERE name = ? AND value < ?', [id, COUNTER, id]);
}

export const noExperiment = (id: string) => missing(`No Experiment with id=${id} exists`);

async function find(db: Reader, idText: string, lock: string): Promise<Experiment> {
  const [row] = await db.all<ExperimentRow>(`SELECT ${EXPERIMENT_COLUMNS} FROM experiments e WHERE e.id = ?${lock}`, [
    experimentIdOf(idText),
  ]);
  if (row === undefined) throw noExperiment(idText);
  return toExperiment(row);
}

export const findExperiment = (db: Reader, id: string) => find(db, id, '');

/** The experiment, held by this transaction alone, which changes it. */
export const holdExperiment = (tx: Transactor, id: string) => find(tx, id, tx.forUpdate);

/** The experiment, kept as it is for a write below it: a deleted one takes none. */
export async function holdActiveExperiment(tx: Transactor, id: string): Promise<Experiment> {
  const experiment = await find(tx, id, tx.forShare);
  if (experiment.lifecycleStage !== 'active') {
    throw invalid(`The experiment ${id} must be in the 'active' state. Current state is ${experiment.lifecycleStage}.`);
  }
  return experiment;
}

/** Experiments as objects of the wire message Experiment, in the order given. */
export async function withTags(db: Reader, experiments: readonly Experiment[]): Promise<object[]> {
  const tags = new Map<Int64, KeyValue[]>();
  const rows = await db.query<[Int64, string, string]>(
    sql`SELECT experiment_id, key, value FROM experiment_tags
        WHERE experiment_id IN ${list(experiments.map(({ id }) => id))} ORDER BY experiment_id, key`,
  );
  for (const [id, key, value] of rows) {
    const own = tags.get(id);
    if (own === undefined) tags.set(id, [{ key, value }]);
    else own.push({ key, value });
  }
  return experiments.map((experiment) => ({
    experiment_id: String(experiment.id),
    name: experiment.name,
    artifact_location: experiment.artifactLocation,
    lifecycle_stage: experiment.lifecycleStage,
    last_update_time: experiment.lastUpdateTime,
    creation_time: experiment.creationTime,
    tags: tags.get(experiment.id),
    workspace: 'default',
  }));
}

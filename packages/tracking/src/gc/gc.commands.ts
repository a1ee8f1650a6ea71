import { invalid } from '@millrace/core';
import { list, read, type Sql, sql, write } from '@millrace/db';
import { experimentIdOf } from '../experiments/experiment.store.ts';
import type { Int64, LifecycleStage } from '../runs/run.ts';

/** What to remove for good; without ids everything that was deleted before `before`. */
export interface GcScope {
  /** Milliseconds since the epoch. */
  readonly before: number;
  readonly runIds: readonly string[];
  readonly experimentIds: readonly string[];
}

export interface Doomed {
  readonly runs: readonly { readonly runUuid: string; readonly artifactUri: string }[];
  readonly models: readonly { readonly modelId: string; readonly artifactUri: string }[];
  readonly experiments: readonly { readonly id: number; readonly artifactUri: string }[];
}

/** Lists what is in deleted state and in the scope. An id that names something active is an error: gc never deletes that. */
export const findDoomed = read('gc.find', async (db, { before, runIds, experimentIds }: GcScope): Promise<Doomed> => {
  const wanted = [...experimentIds].map(experimentIdOf);
  const all = runIds.length === 0 && wanted.length === 0;
  const experiments =
    all || wanted.length > 0
      ? await db.query<[number, string]>(
          sql`SELECT id, artifact_location FROM experiments e WHERE lifecycle_stage = 'deleted'
              AND last_update_time <= ${before}${all ? sql`` : sql` AND id IN ${list(wanted)}`} ORDER BY id`,
        )
      : [];
  const gone = list(experiments.map(([id]) => id));
  let chosen: Sql = sql`r.lifecycle_stage IN ('deleted', 'purging') AND (r.experiment_id IN ${gone} OR r.deleted_time <= ${before})`;
  if (!all)
    chosen = sql`r.lifecycle_stage IN ('deleted', 'purging') AND (r.experiment_id IN ${gone} OR r.run_uuid IN ${list(runIds)})`;
  const runs = await db.query<[string, string]>(
    sql`SELECT r.run_uuid, r.artifact_uri FROM runs r WHERE ${chosen} ORDER BY r.id`,
  );
  const models = await db.query<[string, string]>(
    sql`SELECT model_id, artifact_location FROM logged_models WHERE experiment_id IN ${gone}
        ${all ? sql` OR (lifecycle_stage = 'deleted' AND last_update_time <= ${before})` : sql``} ORDER BY id`,
  );
  for (const id of wanted) {
    if (!experiments.some(([found]) => found === id)) throw notDeleted('experiment', String(id));
  }
  for (const id of runIds) if (!runs.some(([found]) => found === id)) throw notDeleted('run', id);
  return {
    runs: runs.map(([runUuid, artifactUri]) => ({ runUuid, artifactUri })),
    models: models.map(([modelId, artifactUri]) => ({ modelId, artifactUri })),
    experiments: experiments.map(([id, artifactUri]) => ({ id, artifactUri })),
  };
});

const notDeleted = (kind: string, id: string) =>
  invalid(
    `The ${kind} '${id}' is not in deleted state (or does not exist): delete it first, gc removes only what was deleted.`,
  );

/** Takes a run out of everybody's reach before its artifacts go; false where somebody restored it meanwhile. */
export const claimRun = write('gc.claimRun', async (tx, runUuid: string): Promise<boolean> => {
  await tx.run('DELETE FROM run_docs WHERE run_id = (SELECT id FROM runs WHERE run_uuid = ?)', [runUuid]);
  const claimed = await tx.run(
    "UPDATE runs SET lifecycle_stage = 'purging' WHERE run_uuid = ? AND lifecycle_stage IN ('deleted', 'purging')",
    [runUuid],
  );
  return claimed === 1;
});

/** A long history goes in pieces, so that other writers get their turn between them. */
const POINTS_AT_ONCE = 20_000;
const POINT_KEY = 'key_id, step, timestamp, value, is_nan';

/** Removes some of a claimed run; true once nothing of it is left. */
export const purgeSome = write('gc.purgeRun', async (tx, runUuid: string): Promise<boolean> => {
  const [row] = await tx.all<[number]>("SELECT id FROM runs WHERE run_uuid = ? AND lifecycle_stage = 'purging'", [
    runUuid,
  ]);
  if (row === undefined) return true;
  const [runId] = row;
  const [boundary] = await tx.all<[number, Int64, Int64, number, number]>(
    `SELECT ${POINT_KEY} FROM metrics WHERE run_id = ? ORDER BY ${POINT_KEY} LIMIT 1 OFFSET ${POINTS_AT_ONCE}`,
    [runId],
  );
  if (boundary !== undefined) {
    await tx.run(`DELETE FROM metrics WHERE run_id = ? AND (${POINT_KEY}) < (?, ?, ?, ?, ?)`, [runId, ...boundary]);
    return false;
  }
  await tx.run('DELETE FROM metrics WHERE run_id = ?', [runId]);
  await tx.run('DELETE FROM runs WHERE id = ?', [runId]);
  return true;
});

/** Marks a model of a deleted experiment as deleted itself; false where somebody restored the experiment meanwhile. */
export const claimModel = write('gc.claimModel', async (tx, modelId: string): Promise<boolean> => {
  // Held, so that a restore comes before or after all of this.
  const [row] = await tx.all<[LifecycleStage, LifecycleStage]>(
    `SELECT m.lifecycle_stage, e.lifecycle_stage FROM logged_models m JOIN experiments e ON e.id = m.experiment_id
     WHERE m.model_id = ?${tx.forUpdate}`,
    [modelId],
  );
  if (row === undefined || !row.includes('deleted')) return false;
  await tx.run("UPDATE logged_models SET lifecycle_stage = 'deleted' WHERE model_id = ?", [modelId]);
  return true;
});

/** Removes a claimed model, also from the runs that name it. */
export const purgeModel = write('gc.purgeModel', async (tx, modelId: string): Promise<void> => {
  const named = 'SELECT run_id FROM run_models WHERE model_id = ?';
  await tx.all(`SELECT id FROM runs WHERE id IN (${named}) ORDER BY id${tx.forShare}`, [modelId]);
  await tx.run(`DELETE FROM run_docs WHERE run_id IN (${named})`, [modelId]);
  await tx.run('DELETE FROM run_models WHERE model_id = ?', [modelId]);
  await tx.run('DELETE FROM logged_models WHERE model_id = ?', [modelId]);
});

/** Removes an experiment that has no runs and models left; false where somebody restored it meanwhile. */
export const purgeExperiment = write('gc.purgeExperiment', async (tx, id: number): Promise<boolean> => {
  for (const table of ['runs', 'logged_models']) {
    const [row] = await tx.all(`SELECT 1 FROM ${table} WHERE experiment_id = ? LIMIT 1`, [id]);
    if (row !== undefined) return false;
  }
  return (await tx.run("DELETE FROM experiments WHERE id = ? AND lifecycle_stage = 'deleted'", [id])) === 1;
});

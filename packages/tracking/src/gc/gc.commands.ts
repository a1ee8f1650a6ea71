import { invalid } from '@millrace/core';
import { list, read, type Sql, sql, write } from '@millrace/db';
import { experimentIdOf } from '../experiments/experiment.store.ts';

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

/** Removes some of a claimed run; true once nothing of it is left. */
export const purgeSome = write('gc.purgeRun', async (tx, runUuid: string): Promise<boolean> => {
  const [row] = await tx.all<[number]>("SELECT id FROM runs WHERE run_uuid = ? AND lifecycle_stage = 'purging'", [
    runUuid,
  ]);
  if (row === undefined) return true;
  const [runId] = row;
  const [boundary] = await tx.all<[number, number]>(
    `SELECT key_id, step FROM metrics WHERE run_id = ? ORDER BY key_id, step LIMIT 1 OFFSET ${POINTS_AT_ONCE}`,
    [runId],
  );
  if (boundary !== undefined) {
    await tx.run('DELETE FROM metrics WHERE run_id = ? AND (key_id, step) <= (?, ?)', [runId, ...boundary]);
    return false;
  }
  await tx.run('DELETE FROM metrics WHERE run_id = ?', [runId]);
  await tx.run('DELETE FROM runs WHERE id = ?', [runId]);
  return true;
});

export const purgeModel = write('gc.purgeModel', async (tx, modelId: string): Promise<void> => {
  await tx.run('DELETE FROM logged_models WHERE model_id = ?', [modelId]);
  await tx.run('DELETE FROM run_models WHERE model_id = ?', [modelId]);
});

/** Removes an experiment that has no runs left; false where somebody restored it meanwhile. */
export const purgeExperiment = write('gc.purgeExperiment', async (tx, id: number): Promise<boolean> => {
  const [run] = await tx.all('SELECT 1 FROM runs WHERE experiment_id = ? LIMIT 1', [id]);
  if (run !== undefined) return false;
  return (await tx.run("DELETE FROM experiments WHERE id = ? AND lifecycle_stage = 'deleted'", [id])) === 1;
});

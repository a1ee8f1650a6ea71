import { invalid, missing, paramNumber } from '@millrace/core';
import type { InsertSpec, Reader, SqlValue, Transactor } from '@millrace/db';
import { makeKeyIds } from '../keys.store.ts';
import { type Int64, type KeyValue, type LifecycleStage, RUN_NAME_TAG, type RunRef } from './run.ts';

type RefRow = [id: number, experiment: Int64, start: Int64, stage: LifecycleStage];

const REF =
  "SELECT id, experiment_id, start_time, lifecycle_stage FROM runs WHERE run_uuid = ? AND lifecycle_stage <> 'purging'";

const toRef = (runUuid: string, [id, experimentId, startTime, lifecycleStage]: RefRow): RunRef => ({
  id,
  runUuid,
  experimentId,
  startTime,
  lifecycleStage,
});

/** Null where there is no such run. */
export async function seekRun(db: Reader, runUuid: string): Promise<RunRef | null> {
  const [row] = await db.all<RefRow>(REF, [runUuid]);
  return row === undefined ? null : toRef(runUuid, row);
}

export async function findRun(db: Reader, runUuid: string): Promise<RunRef> {
  const run = await seekRun(db, runUuid);
  if (run === null) throw missing(`Run with id=${runUuid} not found`);
  return run;
}

type Hold = 'to keep' | 'to change';

/** The run, kept as it is until the transaction ends, or held by this transaction alone, which changes it. */
export async function holdRun(tx: Transactor, runUuid: string, hold: Hold = 'to keep'): Promise<RunRef> {
  const [row] = await tx.all<RefRow>(REF + (hold === 'to change' ? tx.forUpdate : tx.forShare), [runUuid]);
  if (row === undefined) throw missing(`Run with id=${runUuid} not found`);
  return toRef(runUuid, row);
}

/** The run, for a write to it: a deleted one takes none. */
export async function holdActiveRun(tx: Transactor, runUuid: string, hold: Hold = 'to keep'): Promise<RunRef> {
  const run = await holdRun(tx, runUuid, hold);
  if (run.lifecycleStage !== 'active') {
    throw invalid(`The run ${runUuid} must be in the 'active' state. Current state is ${run.lifecycleStage}.`);
  }
  return run;
}

/** Whatever changes a run drops its ready-made JSON, in the same transaction. */
export async function dropDoc(tx: Transactor, run: RunRef): Promise<void> {
  await tx.run('DELETE FROM run_docs WHERE run_id = ?', [run.id]);
}

const KEYED_COLUMNS: InsertSpec['columns'] = [
  ['run_id', 'int'],
  ['key_id', 'int'],
  ['experiment_id', 'int'],
  ['start_time', 'int'],
  ['value', 'text'],
];
const PARAMS: InsertSpec = {
  table: 'params',
  columns: [...KEYED_COLUMNS, ['number', 'real']],
  onConflict: '(run_id, key_id) DO NOTHING',
};
const TAGS: InsertSpec = {
  table: 'tags',
  columns: KEYED_COLUMNS,
  onConflict: '(run_id, key_id) DO UPDATE SET value = excluded.value',
};

/** Two writers of the same rows take them in the same order, and never wait for each other in a circle. */
const inOrder = (items: Iterable<KeyValue>): KeyValue[] =>
  [...items].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));

async function keyedRows(tx: Transactor, run: RunRef, items: readonly KeyValue[]): Promise<SqlValue[][]> {
  const ids = await makeKeyIds(
    tx,
    items.map(({ key }) => key),
  );
  return items.map(({ key, value }) => [run.id, ids.get(key)!, run.experimentId, run.startTime, value]);
}

/** Params are written once: the same value again is welcome, another one is refused. */
export async function writeParams(
  tx: Transactor,
  run: RunRef,
  given: readonly KeyValue[],
  single = false,
): Promise<void> {
  if (given.length === 0) return;
  const params = inOrder(given);
  const rows = await keyedRows(tx, run, params);
  const numbered = rows.map((row, i) => [...row, paramNumber(params[i]!.value)]);
  const inserted = await tx.insert(PARAMS, numbered);
  const clashes: { key: string; old: string; value: string }[] = [];
  for (let i = 0; i < params.length; i++) {
    if (inserted[i] === 1) continue;
    const { key, value } = params[i]!;
    const [row] = await tx.all<[string]>(
      'SELECT value FROM params WHERE run_id = ? AND key_id = (SELECT id FROM keys WHERE name = ?)',
      [run.id, key],
    );
    if (row !== undefined && row[0] !== value) clashes.push({ key, old: row[0], value });
  }
  if (clashes.length > 0) throw changedParams(run, clashes, single);
}

function changedParams(run: RunRef, clashes: readonly { key: string; old: string; value: string }[], single: boolean) {
  const [first] = clashes;
  if (single && first !== undefined) {
    return invalid(
      `Changing param values is not allowed. Param with key='${first.key}' was already logged with value='${cut(first.old)}' for run ID='${run.runUuid}'. Attempted logging new value '${cut(first.value)}'.`,
    );
  }
  const details = clashes.map(
    ({ key, old, value }) => `{'key': '${key}', 'old_value': '${cut(old)}', 'new_value': '${cut(value)}'}`,
  );
  return invalid(
    `Changing param values is not allowed. Params were already logged='[${details.join(', ')}]' for run ID='${run.runUuid}'.`,
  );
}

const cut = (value: string) => (value.length > 500 ? `${value.slice(0, 500)}…` : value);

/** Whether these tags change the run itself: its name and the tag of its name are one thing. */
export const renames = (tags: readonly KeyValue[]): boolean => tags.some(({ key }) => key === RUN_NAME_TAG);

/** Sets tags; of several with one key the last stands. Where they rename the run, it is held to be changed. */
export async function writeTags(tx: Transactor, run: RunRef, tags: readonly KeyValue[]): Promise<void> {
  if (tags.length === 0) return;
  const last = new Map(tags.map((tag) => [tag.key, tag]));
  await tx.insert(TAGS, await keyedRows(tx, run, inOrder(last.values())));
  const name = last.get(RUN_NAME_TAG);
  if (name !== undefined) await tx.run('UPDATE runs SET name = ? WHERE id = ?', [name.value, run.id]);
}

export async function deleteTag(tx: Transactor, run: RunRef, key: string): Promise<void> {
  const removed = await tx.run('DELETE FROM tags WHERE run_id = ? AND key_id = (SELECT id FROM keys WHERE name = ?)', [
    run.id,
    key,
  ]);
  if (removed === 0) throw missing(`No tag with name: ${key} in run with id ${run.runUuid}`);
}

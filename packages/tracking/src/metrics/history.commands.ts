import { invalid, type PageValue } from '@millrace/core';
import { join, type Reader, raw, read, type Sql, sql } from '@millrace/db';
import { findKeyIds } from '../keys.store.ts';
import { findRun, seekRun } from '../runs/run.store.ts';
import type { Int64, RunRef } from '../runs/run.ts';
import { type PointRow, pointsText, samplePositions } from './history.ts';

const POINT = raw('step, timestamp, value, is_nan');
const BY_STEP = raw('step, timestamp, value, is_nan');
const BY_TIME = raw('timestamp, step, value, is_nan');

/** Where a page ended: step, timestamp, value, is_nan of its last point. */
export type HistoryPosition = PointRow;

/** The position that a page token holds. */
export function historyPosition(values: readonly PageValue[]): HistoryPosition {
  const [step, timestamp, value, isNan] = values;
  const isWhole = (number: unknown) => typeof number === 'bigint' || Number.isSafeInteger(number);
  if (values.length !== 4 || !isWhole(step) || !isWhole(timestamp) || typeof value !== 'number' || !isWhole(isNan)) {
    throw invalid('Invalid page token: it holds no position in a metric history.');
  }
  return values as unknown as HistoryPosition;
}

export interface HistoryPage {
  /** JSON objects joined by commas. */
  readonly text: string;
  readonly count: number;
  /** Null after the last page. */
  readonly next: HistoryPosition | null;
}

interface Series {
  readonly runId: number;
  readonly keyId: number;
  readonly inOrder: boolean;
}

/** Null where the run has no such metric. */
async function findSeries(db: Reader, run: RunRef | null, key: string): Promise<Series | null> {
  if (run === null) return null;
  const keyId = (await findKeyIds(db, [key])).get(key);
  if (keyId === undefined) return null;
  const [row] = await db.all<[number]>('SELECT in_order FROM latest_metrics WHERE run_id = ? AND key_id = ?', [
    run.id,
    keyId,
  ]);
  return row === undefined ? null : { runId: run.id, keyId, inOrder: row[0] === 1 };
}

/** A page of history by timestamp, step and value: the order of the table itself wherever that is the order of time too. */
export const readHistoryPage = read(
  'metrics.historyPage',
  async (
    db,
    input: {
      runUuid: string;
      key: string;
      after: HistoryPosition | null;
      limit: number;
      tail?: string;
      /** One of several runs, of which some may be gone: it has no history then. */
      mayBeGone?: boolean;
    },
  ): Promise<HistoryPage> => {
    const run = await (input.mayBeGone ? seekRun : findRun)(db, input.runUuid);
    const series = await findSeries(db, run, input.key);
    if (series === null) return { text: '', count: 0, next: null };
    const order = series.inOrder ? BY_STEP : BY_TIME;
    const rows = await db.query<PointRow>(
      sql`SELECT ${POINT} FROM metrics WHERE run_id = ${series.runId} AND key_id = ${series.keyId}
          ${after(order, input.after)} ORDER BY ${order} LIMIT ${input.limit + 1}`,
    );
    const more = rows.length > input.limit;
    if (more) rows.pop();
    const next = more ? rows[rows.length - 1]! : null;
    return { text: pointsText(input.key, rows, input.tail), count: rows.length, next };
  },
);

function after(order: Sql, position: HistoryPosition | null): Sql {
  if (position === null) return raw('');
  const [step, timestamp, value, isNan] = position;
  const [a, b] = order === BY_STEP ? [step, timestamp] : [timestamp, step];
  return sql`AND (${order}) > (${a}, ${b}, ${value}, ${isNan})`;
}

export interface SampleRequest {
  readonly runUuids: readonly string[];
  readonly key: string;
  readonly wanted: number;
  readonly startStep: number | null;
  readonly endStep: number | null;
}

/** At most `wanted` points of each run that is there, spread evenly by row, first and last kept; JSON objects joined by commas. */
export const sampleHistory = read('metrics.sample', async (db, request: SampleRequest): Promise<string> => {
  const texts: string[] = [];
  for (const runUuid of request.runUuids) {
    const series = await findSeries(db, await seekRun(db, runUuid), request.key);
    if (series === null) continue;
    const rows = await sampleSeries(db, series, request);
    if (rows.length > 0) texts.push(pointsText(request.key, rows, `,"run_id":${JSON.stringify(runUuid)}`));
  }
  return texts.join(',');
});

async function sampleSeries(db: Reader, series: Series, request: SampleRequest): Promise<readonly PointRow[]> {
  const { wanted } = request;
  const within = sql`run_id = ${series.runId} AND key_id = ${series.keyId}${
    request.startStep === null ? raw('') : sql` AND step >= ${request.startStep} AND step <= ${request.endStep}`
  }`;
  const few = await db.query<PointRow>(
    sql`SELECT ${POINT} FROM metrics WHERE ${within} ORDER BY ${BY_STEP} LIMIT ${wanted + 1}`,
  );
  if (few.length <= wanted) return few;
  const [last] = await db.query<PointRow>(
    sql`SELECT ${POINT} FROM metrics WHERE ${within}
        ORDER BY step DESC, timestamp DESC, value DESC, is_nan DESC LIMIT 1`,
  );
  if (wanted === 1) return [last!];
  return (await sampleBySeek(db, within, few[0]!, last!, wanted)) ?? sampleByRow(db, within, wanted);
}

const SEEKS_AT_ONCE = 40;

/**
 * Looks up one row for each of `wanted` steps: some hundred look-ups, whatever the length of the history. Right where
 * rows are spread evenly over the steps; null where they are not, and rows have to be counted.
 */
async function sampleBySeek(db: Reader, within: Sql, first: PointRow, last: PointRow, wanted: number) {
  const from = BigInt(first[0]);
  const steps = Number(BigInt(last[0]) - from) + 1;
  if (steps < wanted || !Number.isSafeInteger(steps)) return null;
  const targets = samplePositions(steps, wanted).map((position) => from + BigInt(position));
  const rows: PointRow[] = [];
  for (let i = 0; i < targets.length; i += SEEKS_AT_ONCE) {
    const seeks = targets.slice(i, i + SEEKS_AT_ONCE).map(
      (step) => sql`SELECT * FROM (SELECT ${POINT} FROM metrics WHERE ${within} AND step >= ${step}
                      ORDER BY ${BY_STEP} LIMIT 1) AS one`,
    );
    for (const row of await db.query<PointRow>(join(seeks, ' UNION ALL '))) {
      if (rows.length === 0 || !sameRow(rows[rows.length - 1]!, row)) rows.push(row);
    }
  }
  if (rows.length < wanted / 2) return null;
  rows[rows.length - 1] = last;
  return rows;
}

const sameRow = (a: PointRow, b: PointRow) => a.every((value, i) => value === b[i]);

/** Counts the rows and reads every n-th. */
async function sampleByRow(db: Reader, within: Sql, wanted: number): Promise<PointRow[]> {
  const [[count] = [0]] = await db.query<[number]>(sql`SELECT count(*) FROM metrics WHERE ${within}`);
  const positions = samplePositions(count, wanted);
  const rows: PointRow[] = [];
  for (let i = 0; i < positions.length; i += 500) {
    const batch = positions.slice(i, i + 500);
    rows.push(
      ...(await db.query<PointRow>(
        sql`SELECT ${POINT} FROM (
              SELECT ${POINT}, row_number() OVER (ORDER BY ${BY_STEP}) AS n FROM metrics WHERE ${within}
            ) AS numbered WHERE n IN (${join(
              batch.map((position) => sql`${position + 1}`),
              ', ',
            )}) ORDER BY ${BY_STEP}`,
      )),
    );
  }
  return rows;
}

/** Bounds of a step range, which come together or not at all. */
export function checkStepRange(start: Int64 | undefined, end: Int64 | undefined): void {
  if ((start === undefined) !== (end === undefined)) {
    throw invalid('If either start step or end step are specified, both must be specified.');
  }
  if (start !== undefined && end !== undefined && start > end) {
    throw invalid(`end_step must be greater than start_step. Found start_step=${start} and end_step=${end}.`);
  }
}

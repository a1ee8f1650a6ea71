import type { CompareNode, FilterNode, OrderKey, PageValue } from '@millrace/core';
import { join, type Reader, raw, type Sql, type SqlValue, sql } from '@millrace/db';
import { conditionSql, filterSql } from '../search/filter-sql.ts';
import { afterSql, amongIds, type OrderTerm, orderSql } from '../search/page.ts';
import type { Int64, LifecycleStage } from './run.ts';
import { KEYED_TABLES, type RunFields } from './run-fields.ts';
import { MISSING, NAN, REAL, type RunOrder } from './run-order.ts';

export interface RunPageQuery {
  readonly experimentIds: readonly Int64[];
  readonly stages: readonly LifecycleStage[];
  readonly filter: FilterNode | null;
  /** The total order: what was asked for, then start time and id. */
  readonly keys: readonly OrderKey[];
  readonly fields: RunFields;
  readonly order: RunOrder;
  /** Values of `order.terms` of the last row of the page before. */
  readonly after: readonly PageValue[] | null;
  readonly limit: number;
}

/** A run's id and its values of the order's terms. */
export type FoundRun = readonly [id: number, ...values: PageValue[]];

/** Experiments that are searched one by one, each along its index; of more, all matches are sorted. */
const MAX_CELLS = 20;

/**
 * The next `limit` runs in order.
 *
 * Each experiment and stage is a cell whose rows an index holds in order: a page reads about as many rows as it
 * returns, however many runs there are. Pages of several cells are merged.
 */
export async function findRunPage(db: Reader, query: RunPageQuery): Promise<FoundRun[]> {
  const cells = query.experimentIds.flatMap((experimentId) => query.stages.map((stage) => ({ experimentId, stage })));
  if (cells.length === 0) return [];
  if (cells.length > MAX_CELLS) {
    const stages = join(
      query.stages.map((stage) => sql`${stage}`),
      ', ',
    );
    return sortAll(
      db,
      query,
      raw('runs r'),
      sql`${amongIds(raw('r.experiment_id'), query.experimentIds, db.dialect)} AND r.lifecycle_stage IN (${stages})`,
    );
  }
  const pages: FoundRun[] = [];
  for (const { experimentId, stage } of cells) pages.push(...(await findInCell(db, query, experimentId, stage)));
  if (cells.length === 1) return pages;
  return pages.sort(([, ...a], [, ...b]) => query.order.compare(a, b)).slice(0, query.limit);
}

async function findInCell(
  db: Reader,
  query: RunPageQuery,
  experimentId: Int64,
  stage: LifecycleStage,
): Promise<FoundRun[]> {
  const cell = sql`r.experiment_id = ${experimentId} AND r.lifecycle_stage = ${stage}`;
  const few = await selectiveRows(db, query, experimentId);
  if (few !== null) {
    // CROSS JOIN keeps the few outside: SQLite joins in the order written.
    return sortAll(
      db,
      query,
      sql`(SELECT DISTINCT x.run_id ${few}) c CROSS JOIN runs r`,
      sql`r.id = c.run_id AND ${cell}`,
    );
  }
  const [first, ...rest] = query.keys;
  const keyId = first!.type === 'attribute' ? undefined : query.fields.keyId(first!.key);
  // Anything but start time and id behind the first key: the index knows nothing of it.
  if (keyId === undefined || !areTies(rest)) return sortAll(db, query, raw('runs r'), cell);
  return followIndex(db, query, { experimentId, cell, key: first!, keyId });
}

const filterAnd = (db: Reader, { filter, fields }: RunPageQuery): Sql =>
  filter === null ? raw('') : sql` AND ${filterSql(filter, fields, db.dialect)}`;

/** All rows of `from` in the order of the terms: the database sorts, unless an index of `runs` has that order. */
async function sortAll(db: Reader, query: RunPageQuery, from: Sql, where: Sql): Promise<FoundRun[]> {
  const { order, after, limit } = query;
  const columns = join(
    order.terms.map(({ column }) => column),
    ', ',
  );
  const beyond = after === null ? raw('') : sql` AND ${afterSql(order.terms, after)}`;
  return db.query<[number, ...SqlValue[]]>(
    sql`SELECT r.id, ${columns} FROM ${from}${order.joins} WHERE ${where}${filterAnd(db, query)}${beyond}
        ORDER BY ${orderSql(order.terms)} LIMIT ${limit}`,
  ) as Promise<FoundRun[]>;
}

/**
 * The rows of the most selective condition of the filter, if they are so few that sorting them is cheaper than walking
 * the experiment in order until the page is full.
 */
async function selectiveRows(
  db: Reader,
  { filter, fields, limit }: RunPageQuery,
  experimentId: Int64,
): Promise<Sql | null> {
  const conditions = filter === null ? [] : filter.kind === 'and' ? filter.items : [filter];
  const candidates = conditions
    .map((node) => indexRows(db, node, fields, experimentId))
    .filter((rows) => rows !== null);
  if (candidates.length === 0) return null;
  const [[newest] = [0]] = await db.all<[number | null]>('SELECT max(id) FROM runs');
  let most = Math.floor(Math.sqrt(limit * (newest ?? 0)));
  let best: Sql | null = null;
  for (const rows of candidates) {
    const [[count] = [0]] = await db.query<[number]>(
      sql`SELECT count(*) FROM (SELECT 1 ${rows} LIMIT ${most + 1}) AS probe`,
    );
    if (count > most) continue;
    most = count;
    best = rows;
  }
  return best;
}

/** The rows of a condition as a range of an index, null where it is none. */
function indexRows(db: Reader, node: FilterNode, fields: RunFields, experimentId: Int64): Sql | null {
  if (node.kind !== 'compare' || !['=', '<', '<=', '>', '>=', 'IN'].includes(node.op)) return null;
  const { field, op, value } = node;
  if (field.type === 'attribute') return null;
  if (field.type === 'dataset') return withExperiment(fields, node, sql`d.experiment_id = ${experimentId}`, db);
  const own = sql`x.experiment_id = ${experimentId}`;
  if (field.type === 'metric' || typeof value === 'number' || typeof value === 'bigint') {
    return withExperiment(fields, node, own, db);
  }
  if (op !== '=') return null;
  return withExperiment(fields, node, sql`${own} AND ${PREFIX} = ${indexPrefix(value as string)}`, db);
}

function withExperiment(fields: RunFields, { field, op, value }: CompareNode, own: Sql, db: Reader): Sql | null {
  const numeric = field.type === 'param' && typeof value !== 'string' && !Array.isArray(value);
  const rows = fields.rows(field, conditionSql(op, value, db.dialect), numeric);
  return rows === null ? null : sql`${rows} AND ${own}`;
}

const PREFIX = raw('substr(x.value, 1, 200)');
const indexPrefix = (value: string) => (value.length <= 200 ? value : Array.from(value).slice(0, 200).join(''));

interface IndexedKey {
  readonly experimentId: Int64;
  readonly cell: Sql;
  readonly key: OrderKey;
  readonly keyId: number;
}

/** Start time and id, which settle ties. */
const TIES: readonly OrderTerm[] = [
  { column: raw('r.start_time'), ascending: false },
  { column: raw('r.run_uuid'), ascending: true },
];

const areTies = ([start, id, ...more]: readonly OrderKey[]) =>
  start?.key === 'start_time' && !start.ascending && id?.key === 'run_id' && id.ascending && more.length === 0;

/** Walks the index of the sort key: runs with a real value, then NaN, then the runs that lack the key. */
async function followIndex(db: Reader, query: RunPageQuery, indexed: IndexedKey): Promise<FoundRun[]> {
  const { key, keyId, cell, experimentId } = indexed;
  const position = query.after;
  const stage = position === null ? REAL : (position[0] as number);
  const ties = position === null ? null : position.slice(2);
  const isMetric = key.type === 'metric';
  const found: FoundRun[] = [];

  if (stage === REAL) found.push(...(await realValues(db, query, indexed)));
  const table = raw(KEYED_TABLES[key.type as keyof typeof KEYED_TABLES]);
  const rest = async (from: Sql, where: Sql, phase: number) => {
    const need = query.limit - found.length;
    if (stage > phase || need <= 0) return;
    const beyond = stage === phase && ties !== null ? sql` AND ${afterSql(TIES, ties)}` : raw('');
    const rows = await db.query<[number, number, string]>(
      sql`SELECT r.id, r.start_time, r.run_uuid FROM ${from} WHERE ${where} AND ${cell}${filterAnd(db, query)}${beyond}
          ORDER BY ${orderSql(TIES)} LIMIT ${need}`,
    );
    for (const [id, ...values] of rows) found.push([id, phase, isMetric ? 0 : '', ...values]);
  };
  if (isMetric) {
    await rest(
      sql`${table} o CROSS JOIN runs r`,
      sql`o.experiment_id = ${experimentId} AND o.key_id = ${keyId} AND o.is_nan = 1 AND r.id = o.run_id`,
      NAN,
    );
  }
  await rest(
    raw('runs r'),
    sql`NOT EXISTS (SELECT 1 FROM ${table} o WHERE o.run_id = r.id AND o.key_id = ${keyId})`,
    MISSING,
  );
  return found;
}

/**
 * Runs with a real value, in the index's order. Rows of equal value are a group, which the index holds newest first:
 * the group in which a page begins or ends is read on its own, so that its size does not matter.
 */
async function realValues(db: Reader, query: RunPageQuery, indexed: IndexedKey): Promise<FoundRun[]> {
  const { key, keyId, cell, experimentId } = indexed;
  const isMetric = key.type === 'metric';
  const from = sql`${raw(KEYED_TABLES[key.type as keyof typeof KEYED_TABLES])} o CROSS JOIN runs r`;
  const where = sql`o.experiment_id = ${experimentId} AND o.key_id = ${keyId}${raw(isMetric ? ' AND o.is_nan = 0' : '')}
    AND r.id = o.run_id AND ${cell}${filterAnd(db, query)}`;
  // Text is indexed by its first 200 characters.
  const value = raw('o.value');
  const prefix: OrderTerm = { column: raw('substr(o.value, 1, 200)'), ascending: key.ascending };
  const byValue: OrderTerm[] = isMetric ? [] : [prefix];
  byValue.push({ column: value, ascending: key.ascending });

  const found: FoundRun[] = [];
  const read = async (condition: Sql, terms: readonly OrderTerm[], limit: number) => {
    const rows = await db.query<[number, SqlValue, number, string]>(
      sql`SELECT r.id, ${value}, r.start_time, r.run_uuid FROM ${from} WHERE ${where}${condition}
          ORDER BY ${orderSql(terms)} LIMIT ${limit}`,
    );
    for (const [id, ...values] of rows) found.push([id, REAL, ...(values as PageValue[])]);
  };
  const equal = (to: SqlValue) =>
    isMetric ? sql` AND o.value = ${to}` : sql` AND ${prefix.column} = ${indexPrefix(String(to))} AND o.value = ${to}`;
  // Within a group the index column is the order: naming it lets the database use it.
  const inGroup: OrderTerm[] = [{ column: raw('o.start_time'), ascending: false }, TIES[1]!];

  let beyond = raw('');
  if (query.after !== null) {
    const [, last, ...ties] = query.after as [number, SqlValue, number, string];
    await read(sql`${equal(last)} AND ${afterSql(inGroup, ties)}`, inGroup, query.limit);
    const past = isMetric ? [last] : [indexPrefix(String(last)), last];
    beyond = sql` AND ${afterSql(byValue, past as PageValue[])}`;
  }
  const need = query.limit - found.length;
  if (need <= 0) return found;
  const next = await db.query<[SqlValue]>(
    sql`SELECT ${value} FROM ${from} WHERE ${where}${beyond} ORDER BY ${orderSql(byValue)} LIMIT ${need}`,
  );
  const last = next.length < need ? undefined : next[need - 1]![0];
  const whole = last === undefined ? need : next.findIndex(([other]) => other === last);
  if (whole > 0) await read(beyond, [...byValue, ...TIES], whole);
  if (last !== undefined) await read(equal(last), inGroup, query.limit - found.length);
  return found;
}

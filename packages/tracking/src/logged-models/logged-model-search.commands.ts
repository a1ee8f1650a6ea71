import {
  completeOrder,
  decodePageToken,
  encodePageToken,
  type FilterNode,
  invalid,
  type LoggedModelOrderClause,
  type LoggedModelOrderKey,
  type OrderKey,
  PAGE_SIZES,
  type PageValue,
  parseFilter,
  parseLoggedModelOrderBy,
} from '@millrace/core';
import { join, type Reader, raw, read, type Sql, type SqlValue, sql } from '@millrace/db';
import { experimentIdOf } from '../experiments/experiment.store.ts';
import type { Int64 } from '../runs/run.ts';
import { checkPageSize } from '../runs/run-search.commands.ts';
import { filterSql } from '../search/filter-sql.ts';
import { afterSql, amongIds, comparePositions, type OrderTerm, orderSql } from '../search/page.ts';
import type { ModelDocs } from './logged-model.commands.ts';
import { withStatusNames } from './logged-model.ts';
import { DOC_START, modelDocs } from './logged-model-doc.store.ts';
import { type DatasetFilter, ModelFields, modelAttribute, onDatasets } from './logged-model-fields.ts';

/** Experiments that are searched one by one, each along its index; of more, all matches are sorted. */
const MAX_CELLS = 20;
/** Each is asked for with every metric of a filter: a statement has room for so many. */
const MAX_DATASETS = 20;

export interface ModelSearch {
  readonly experimentIds: readonly string[];
  readonly filter: string;
  readonly datasets: readonly DatasetFilter[];
  readonly maxResults: number;
  readonly orderBy: readonly LoggedModelOrderClause[];
  readonly pageToken: string;
}

export interface ModelSearchResult extends ModelDocs {
  readonly token: string | null;
}

export const searchLoggedModels = read('loggedModels.search', async (db, search: ModelSearch) => {
  checkPageSize(search.maxResults, PAGE_SIZES.logged_model.most);
  const experimentIds = [...new Set(search.experimentIds.map(experimentIdOf))];
  if (search.datasets.length > MAX_DATASETS) {
    throw invalid(`'datasets' has ${search.datasets.length} entries; it may have at most ${MAX_DATASETS}.`);
  }
  const parsed = parseFilter('logged_model', search.filter);
  const filter = parsed === null ? null : withStatusNames(parsed);
  const keys = completeOrder('logged_model', parseLoggedModelOrderBy(search.orderBy));
  const terms = keys.flatMap(orderTerms);
  const order = keys.map((key) => Object.values(key) as (string | boolean)[]);
  const binding = ['logged_model', experimentIds.map(String), search.filter, order] as const;
  const after = search.pageToken === '' ? null : decodePageToken(search.pageToken, binding);

  const found = await findPage(
    db,
    { experimentIds, filter, datasets: search.datasets, terms, after },
    search.maxResults + 1,
  );
  let token: string | null = null;
  if (found.length > search.maxResults) {
    found.pop();
    const [, ...position] = found[found.length - 1]!;
    token = encodePageToken(position, binding);
  }
  const ids = found.map(([id]) => id);
  const result: ModelSearchResult = { ids, first: await modelDocs(db, ids, DOC_START), token };
  return result;
});

interface PageQuery {
  readonly experimentIds: readonly Int64[];
  readonly filter: FilterNode | null;
  readonly datasets: readonly DatasetFilter[];
  readonly terms: readonly OrderTerm[];
  readonly after: readonly PageValue[] | null;
}

/** A model's id and its values of the order's terms. */
type FoundModel = [id: number, ...position: PageValue[]];

/** The next models in order. A page of one experiment in order of creation is a range of an index. */
async function findPage(db: Reader, query: PageQuery, limit: number): Promise<FoundModel[]> {
  const { experimentIds, filter, datasets, terms, after } = query;
  if (experimentIds.length === 0) return [];
  const columns = join(
    terms.map(({ column }) => column),
    ', ',
  );
  const matching = filter === null ? raw('') : sql` AND ${filterSql(filter, new ModelFields(datasets), db.dialect)}`;
  const measured =
    datasets.length === 0 || mentionsMetric(filter)
      ? raw('')
      : sql` AND EXISTS (SELECT 1 FROM logged_model_metrics x WHERE x.model_id = l.id${onDatasets(datasets)})`;
  const beyond = after === null ? raw('') : sql` AND ${afterSql(terms, after)}`;
  // Columns by their place: said again, each would be computed again.
  const byPlace = orderSql(terms.map(({ ascending }, i) => ({ column: raw(String(i + 2)), ascending })));
  const findIn = (ids: readonly Int64[]) => {
    // The plus hides the column from the index of experiments where another finds the few models that can match.
    const column = raw(namesModels(filter) ? '+l.experiment_id' : 'l.experiment_id');
    const among = ids.length === 1 ? sql`${column} = ${ids[0]!}` : amongIds(column, ids, db.dialect);
    return db.query<[number, ...SqlValue[]]>(
      sql`SELECT l.id, ${columns} FROM logged_models l
          WHERE ${among} AND l.lifecycle_stage = 'active'${matching}${measured}${beyond}
          ORDER BY ${byPlace} LIMIT ${limit}`,
    ) as Promise<FoundModel[]>;
  };
  if (experimentIds.length === 1 || experimentIds.length > MAX_CELLS) return findIn(experimentIds);
  const found: FoundModel[] = [];
  for (const id of experimentIds) found.push(...(await findIn([id])));
  return found.sort(([, ...a], [, ...b]) => comparePositions(terms, a, b)).slice(0, limit);
}

function mentionsMetric(node: FilterNode | null): boolean {
  if (node === null) return false;
  if (node.kind === 'compare') return node.field.type === 'metric';
  return node.kind === 'not' ? mentionsMetric(node.item) : node.items.some(mentionsMetric);
}

/** Whether every match has one of the run or model ids that the filter names. */
function namesModels(filter: FilterNode | null): boolean {
  const conditions = filter === null ? [] : filter.kind === 'and' ? filter.items : [filter];
  return conditions.some(
    (node) =>
      node.kind === 'compare' &&
      node.field.type === 'attribute' &&
      (node.field.key === 'source_run_id' || node.field.key === 'model_id') &&
      (node.op === '=' || node.op === 'IN') &&
      node.value !== '',
  );
}

const rising = (column: Sql): OrderTerm => ({ column, ascending: true });

/** Real values come first, then NaN, then models without one: in both directions. */
function orderTerms(key: OrderKey | LoggedModelOrderKey): OrderTerm[] {
  const { ascending } = key;
  if (key.type === 'attribute') {
    const { column, nullable } = modelAttribute(key.key);
    if (!nullable) return [{ column, ascending }];
    return [
      rising(sql`CASE WHEN ${column} IS NULL THEN 1 ELSE 0 END`),
      { column: sql`COALESCE(${column}, '')`, ascending },
    ];
  }
  const { datasetName: name, datasetDigest: digest = '' } = key as LoggedModelOrderKey;
  const dataset = name === undefined ? raw('') : onDatasets([{ name, digest }]);
  const latest = (column: string) =>
    sql`(SELECT x.${raw(column)} FROM logged_model_metrics x WHERE x.model_id = l.id AND x.key = ${key.key}${dataset}
         ORDER BY x.timestamp DESC, x.step DESC, x.run_uuid, x.dataset_name, x.dataset_digest, x.value, x.is_nan LIMIT 1)`;
  return [rising(sql`COALESCE(${latest('is_nan')}, 2)`), { column: sql`COALESCE(${latest('value')}, 0)`, ascending }];
}

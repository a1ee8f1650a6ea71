import {
  completeOrder,
  decodePageToken,
  encodePageToken,
  type OrderKey,
  PAGE_SIZES,
  type PageValue,
  parseFilter,
  parseOrderBy,
} from '@millrace/core';
import { join, raw, read, type SqlValue, sql } from '@millrace/db';
import { checkPageSize } from '../runs/run-search.commands.ts';
import { type FieldSql, filterSql } from '../search/filter-sql.ts';
import { afterSql, amongIds, orderSql } from '../search/page.ts';
import { type DatasetsPiece, datasetsPiece, experimentNumbers, foreignToken } from './evaluation-dataset.store.ts';

const COLUMNS: Record<string, string> = {
  dataset_id: 'd.dataset_id',
  name: 'd.name',
  created_time: 'd.created_time',
  last_update_time: 'd.last_update_time',
  created_by: 'd.created_by',
  last_updated_by: 'd.last_updated_by',
};
const NULLABLE: ReadonlySet<string> = new Set(['created_by', 'last_updated_by']);

/** What filters find of a dataset `d`. */
const datasetFields: FieldSql = {
  attribute: (key) => ({ column: raw(COLUMNS[key]!), nullable: NULLABLE.has(key) }),
  has: ({ key }, condition) => {
    const matching = condition === null ? raw('') : sql` AND ${condition(raw('x.value'))}`;
    return sql`EXISTS (SELECT 1 FROM evaluation_dataset_tags x WHERE x.dataset_id = d.id AND x.key = ${key}${matching})`;
  },
  isNan: () => raw('1 = 0'),
};

export interface DatasetSearch {
  /** Empty: datasets of all experiments, and of none. */
  readonly experimentIds: readonly string[];
  readonly filter: string;
  readonly maxResults: number;
  readonly orderBy: readonly string[];
  readonly pageToken: string;
}

export interface DatasetSearchResult {
  readonly ids: readonly number[];
  readonly first: DatasetsPiece;
  readonly token: string | null;
}

export const searchEvaluationDatasets = read(
  'evaluationDatasets.search',
  async (db, search: DatasetSearch): Promise<DatasetSearchResult> => {
    checkPageSize(search.maxResults, PAGE_SIZES.evaluation_dataset.most);
    const filter = parseFilter('evaluation_dataset', search.filter);
    const keys = completeOrder('evaluation_dataset', parseOrderBy('evaluation_dataset', search.orderBy));
    const terms = keys.map(({ key, ascending }) => ({ column: raw(COLUMNS[key]!), ascending }));
    const binding = ['evaluation_dataset', search.experimentIds, search.filter, search.orderBy] as const;
    const after = search.pageToken === '' ? null : checkedPosition(keys, decodePageToken(search.pageToken, binding));

    const experiments = experimentNumbers([...new Set(search.experimentIds)]);
    const linked =
      search.experimentIds.length === 0
        ? raw('1 = 1')
        : sql`d.id IN (SELECT x.dataset_id FROM evaluation_dataset_experiments x
                WHERE ${amongIds(raw('x.experiment_id'), experiments, db.dialect)})`;
    const matching = filter === null ? raw('') : sql` AND ${filterSql(filter, datasetFields, db.dialect)}`;
    const beyond = after === null ? raw('') : sql` AND ${afterSql(terms, after)}`;
    const columns = terms.map(({ column }) => column);
    const rows = await db.query<[number, ...SqlValue[]]>(
      sql`SELECT d.id, ${join(columns, ', ')} FROM evaluation_datasets d WHERE ${linked}${matching}${beyond}
          ORDER BY ${orderSql(terms)} LIMIT ${search.maxResults + 1}`,
    );
    let token: string | null = null;
    if (rows.length > search.maxResults) {
      rows.pop();
      const [, ...position] = rows[rows.length - 1]!;
      token = encodePageToken(position as PageValue[], binding);
    }
    const ids = rows.map(([id]) => id);
    return { ids, first: await datasetsPiece(db, ids, 0), token };
  },
);

/** The position of a token, which has a value of the right kind for each key. */
function checkedPosition(keys: readonly OrderKey[], position: readonly PageValue[]): readonly PageValue[] {
  const fits = ({ key }: OrderKey, i: number) =>
    key.endsWith('_time') ? Number.isSafeInteger(position[i]) : typeof position[i] === 'string';
  if (position.length !== keys.length || !keys.every(fits)) throw foreignToken();
  return position;
}

/** What follows the first piece. */
export const readEvaluationDatasets = read(
  'evaluationDatasets.readMore',
  async (db, { ids, start }: { ids: readonly number[]; start: number }): Promise<DatasetsPiece> =>
    datasetsPiece(db, ids, start),
);

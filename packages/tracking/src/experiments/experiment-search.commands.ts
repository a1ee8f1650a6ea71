import {
  completeOrder,
  decodePageToken,
  encodePageToken,
  type FilterField,
  PAGE_SIZES,
  type PageValue,
  parseFilter,
  parseOrderBy,
} from '@millrace/core';
import { join, raw, read, type SqlValue, sql } from '@millrace/db';
import { encode } from '../runs/run-doc.store.ts';
import { checkPageSize, STAGES, type ViewType } from '../runs/run-search.commands.ts';
import { type Condition, type FieldSql, filterSql } from '../search/filter-sql.ts';
import { afterSql, orderSql } from '../search/page.ts';
import { EXPERIMENT_COLUMNS, type ExperimentRow, toExperiment, withTags } from './experiment.store.ts';

const COLUMNS: Record<string, string> = {
  experiment_id: 'e.id',
  name: 'e.name',
  creation_time: 'e.creation_time',
  last_update_time: 'e.last_update_time',
};

const experimentFields: FieldSql = {
  attribute: (key) => ({ column: raw(COLUMNS[key]!), nullable: false }),
  has: (field: FilterField, condition: Condition | null) => {
    const matching = condition === null ? raw('') : sql` AND ${condition(raw('x.value'))}`;
    return sql`EXISTS (SELECT 1 FROM experiment_tags x WHERE x.experiment_id = e.id AND x.key = ${field.key}${matching})`;
  },
  isNan: () => raw('1 = 0'),
};

export interface ExperimentSearch {
  readonly filter: string;
  readonly view: ViewType;
  readonly maxResults: number;
  readonly orderBy: readonly string[];
  readonly pageToken: string;
}

/** Answers with the wire message SearchExperiments.Response as JSON. */
export const searchExperiments = read('experiments.search', async (db, search: ExperimentSearch): Promise<string> => {
  checkPageSize(search.maxResults, PAGE_SIZES.experiment.most);
  const filter = parseFilter('experiment', search.filter);
  const keys = completeOrder('experiment', parseOrderBy('experiment', search.orderBy));
  const terms = keys.map(({ key, ascending }) => ({ column: raw(COLUMNS[key]!), ascending }));
  const binding = ['experiment', search.filter, search.view, search.orderBy] as const;
  const after = search.pageToken === '' ? null : decodePageToken(search.pageToken, binding);

  const stages = join(
    STAGES[search.view].map((stage) => sql`${stage}`),
    ', ',
  );
  const matching = filter === null ? raw('') : sql` AND ${filterSql(filter, experimentFields, db.dialect)}`;
  const beyond = after === null ? raw('') : sql` AND ${afterSql(terms, after)}`;
  const rows = await db.query<[...ExperimentRow, ...SqlValue[]]>(
    sql`SELECT ${raw(EXPERIMENT_COLUMNS)}, ${join(
      terms.map(({ column }) => column),
      ', ',
    )} FROM experiments e
        WHERE e.workspace = 'default' AND e.lifecycle_stage IN (${stages})${matching}${beyond}
        ORDER BY ${orderSql(terms)} LIMIT ${search.maxResults + 1}`,
  );
  let token: string | undefined;
  if (rows.length > search.maxResults) {
    rows.pop();
    token = encodePageToken(rows[rows.length - 1]!.slice(-terms.length) as PageValue[], binding);
  }
  const experiments = await withTags(
    db,
    rows.map((row) => toExperiment(row.slice(0, 6) as unknown as ExperimentRow)),
  );
  return encode({ experiments: experiments.length === 0 ? undefined : experiments, next_page_token: token });
});

import {
  completeOrder,
  decodePageToken,
  encodePageToken,
  invalid,
  PAGE_SIZES,
  type PageValue,
  parseFilter,
  parseOrderBy,
} from '@millrace/core';
import { list, read, sql } from '@millrace/db';
import { experimentIdOf } from '../experiments/experiment.store.ts';
import type { LifecycleStage } from './run.ts';
import { assembleRuns } from './run-doc.store.ts';
import { runFields } from './run-fields.ts';
import { RunOrder } from './run-order.ts';
import { findRunPage } from './run-page.ts';

export type ViewType = 'ACTIVE_ONLY' | 'DELETED_ONLY' | 'ALL';

export const STAGES: Record<ViewType, readonly LifecycleStage[]> = {
  ACTIVE_ONLY: ['active'],
  DELETED_ONLY: ['deleted'],
  ALL: ['active', 'deleted'],
};

export interface RunSearch {
  readonly experimentIds: readonly string[];
  readonly filter: string;
  readonly view: ViewType;
  readonly maxResults: number;
  readonly orderBy: readonly string[];
  readonly pageToken: string;
}

export interface RunSearchResult {
  /** The wire message SearchRuns.Response as JSON. */
  readonly text: string;
  /** Finished runs whose ready-made JSON is missing. */
  readonly stale: readonly string[];
}

export function checkPageSize(maxResults: number, most: number): void {
  if (maxResults < 1) {
    throw invalid(`Invalid value ${maxResults} for parameter 'max_results' supplied. It must be a positive integer.`);
  }
  if (maxResults > most) {
    throw invalid(`Invalid value ${maxResults} for parameter 'max_results' supplied. It must be at most ${most}.`);
  }
}

export const searchRuns = read('runs.search', async (db, search: RunSearch): Promise<RunSearchResult> => {
  checkPageSize(search.maxResults, PAGE_SIZES.run.most);
  const filter = parseFilter('run', search.filter);
  const keys = completeOrder('run', parseOrderBy('run', search.orderBy));
  const experimentIds = [...new Set(search.experimentIds.map(experimentIdOf))];
  const binding = ['run', experimentIds, search.filter, search.view, search.orderBy] as const;
  const fields = await runFields(
    db,
    filter,
    keys.filter(({ type }) => type !== 'attribute').map(({ key }) => key),
  );
  const order = new RunOrder(keys, fields);
  const after = search.pageToken === '' ? null : order.values(decodePageToken(search.pageToken, binding));

  const found = await findRunPage(db, {
    experimentIds,
    stages: STAGES[search.view],
    filter,
    keys,
    fields,
    order,
    after,
    limit: search.maxResults + 1,
  });
  let token: string | undefined;
  if (found.length > search.maxResults) {
    found.pop();
    const [, ...values] = found[found.length - 1]!;
    token = encodePageToken(order.position(values as PageValue[]), binding);
  }
  const { docs, stale } = await readDocs(
    db,
    found.map(([id]) => id),
  );
  const runs = found.map(([id]) => docs.get(id)!).join(',');
  const parts = [...(found.length > 0 ? [`"runs":[${runs}]`] : []), ...(token ? [`"next_page_token":"${token}"`] : [])];
  return { text: `{${parts.join(',')}}`, stale };
});

async function readDocs(db: Parameters<typeof assembleRuns>[0], ids: readonly number[]) {
  const docs = new Map<number, string>();
  for (let i = 0; i < ids.length; i += 500) {
    const rows = await db.query<[number, string]>(
      sql`SELECT run_id, doc FROM run_docs WHERE run_id IN ${list(ids.slice(i, i + 500))}`,
    );
    for (const [id, doc] of rows) docs.set(id, doc);
  }
  const missing = ids.filter((id) => !docs.has(id));
  for (const [id, doc] of await assembleRuns(db, missing)) docs.set(id, doc);
  const finished = await db.query<[string]>(
    sql`SELECT run_uuid FROM runs WHERE id IN ${list(missing.slice(0, 500))} AND status <> 'RUNNING'`,
  );
  return { docs, stale: finished.flat() };
}

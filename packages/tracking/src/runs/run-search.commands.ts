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
import { list, type Reader, read, sql } from '@millrace/db';
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
  /** Runs whose ready-made JSON is missing. */
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
  const binding = ['run', experimentIds.map(String), search.filter, search.view, search.orderBy] as const;
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
  const { docs, stale } = await readDocs(
    db,
    found.slice(0, search.maxResults).map(([id]) => id),
  );
  let token = '';
  if (docs.length < found.length) {
    const [, ...values] = found[docs.length - 1]!;
    token = `,"next_page_token":"${encodePageToken(order.position(values as PageValue[]), binding)}"`;
  }
  return { text: docs.length === 0 ? '{}' : `{"runs":[${docs.join(',')}]${token}}`, stale };
});

/** A page of runs with very much in them ends early, with a token: an answer stays far from the longest string. */
const MAX_PAGE_CHARACTERS = 64 * 1024 * 1024;
const AT_ONCE = 500;

async function readDocs(db: Reader, ids: readonly number[]): Promise<{ docs: string[]; stale: string[] }> {
  const docs: string[] = [];
  const stale: string[] = [];
  let characters = 0;
  for (let i = 0; i < ids.length && characters < MAX_PAGE_CHARACTERS; i += AT_ONCE) {
    const some = ids.slice(i, i + AT_ONCE);
    const ready = new Map(
      await db.query<[number, string]>(sql`SELECT run_id, doc FROM run_docs WHERE run_id IN ${list(some)}`),
    );
    const missing = some.filter((id) => !ready.has(id));
    const made = await assembleRuns(db, missing);
    for (const id of some) {
      if (characters >= MAX_PAGE_CHARACTERS) break;
      const doc = ready.get(id) ?? made.get(id)!;
      docs.push(doc);
      characters += doc.length;
    }
    if (missing.length === 0) continue;
    const named = await db.query<[string]>(sql`SELECT run_uuid FROM runs WHERE id IN ${list(missing)}`);
    stale.push(...named.flat());
  }
  return { docs, stale };
}

import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { orderBy } from './filter.ts';
import { get, post } from './request.ts';
import { type Run, runFromWire } from './run.ts';
import type { WireRun } from './wire.ts';

export interface RunQuery {
  experimentId: string;
  filter: string;
  sort: string;
  deleted: boolean;
}

export interface RunPage {
  runs?: WireRun[];
  next_page_token?: string;
}

const PAGE = 100;
const LIVE_MS = 4000;
const IDLE_MS = 30_000;

export function runsQuery({ experimentId, filter, sort, deleted }: RunQuery) {
  const search = {
    experiment_ids: [experimentId],
    run_view_type: deleted ? 'DELETED_ONLY' : 'ACTIVE_ONLY',
    max_results: PAGE,
    order_by: [orderBy(sort)],
    ...(filter === '' ? {} : { filter }),
  };
  return infiniteQueryOptions({
    queryKey: ['runs', search],
    queryFn: ({ pageParam, signal }) =>
      post<RunPage>('runs/search', { ...search, ...(pageParam === '' ? {} : { page_token: pageParam }) }, signal),
    initialPageParam: '',
    getNextPageParam: (last) => last.next_page_token || undefined,
    placeholderData: (previous, query) => (isSameExperiment(query?.queryKey, experimentId) ? previous : undefined),
    refetchInterval: (query) => refreshAfter(query.state.data?.pages),
  });
}

/** A refresh reads every loaded page again: it comes sooner while something runs, and later the more pages there are. */
export function refreshAfter(pages: readonly RunPage[] | undefined): number {
  if (pages === undefined) return IDLE_MS;
  const runs = pages.flatMap((page) => page.runs ?? []);
  const live = runs.length === 0 || runs.some((run) => run.info.status === 'RUNNING');
  return live ? LIVE_MS * Math.max(1, Math.ceil(pages.length / 3)) : IDLE_MS;
}

function isSameExperiment(key: readonly unknown[] | undefined, experimentId: string): boolean {
  const search = key?.[1] as { experiment_ids?: string[] } | undefined;
  return search?.experiment_ids?.[0] === experimentId;
}

export function runQuery(id: string) {
  return queryOptions({
    queryKey: ['run', id],
    queryFn: async ({ signal }) => (await get<{ run: WireRun }>('runs/get', { run_id: id }, signal)).run,
    select: runFromWire,
    refetchInterval: (query) => (query.state.data?.info.status === 'RUNNING' ? 3000 : false),
  });
}

export function childRunsQuery({ experimentId, id, status }: Run) {
  return queryOptions({
    queryKey: ['children', id],
    queryFn: async ({ signal }) => {
      const filter = `tags.\`mlflow.parentRunId\` = '${id}'`;
      const search = {
        experiment_ids: [experimentId],
        filter,
        max_results: 200,
        order_by: ['attributes.start_time ASC'],
      };
      return post<RunPage>('runs/search', search, signal);
    },
    select: (page) => ({ runs: (page.runs ?? []).map(runFromWire), more: Boolean(page.next_page_token) }),
    refetchInterval: status === 'RUNNING' ? LIVE_MS : false,
  });
}

export const renameRun = (id: string, name: string) => post('runs/update', { run_id: id, run_name: name });

export const deleteRuns = (ids: readonly string[]) => forEach(ids, (id) => post('runs/delete', { run_id: id }));

export const restoreRuns = (ids: readonly string[]) => forEach(ids, (id) => post('runs/restore', { run_id: id }));

export const setRunTag = (id: string, key: string, value: string) => post('runs/set-tag', { run_id: id, key, value });

export const deleteRunTag = (id: string, key: string) => post('runs/delete-tag', { run_id: id, key });

/** A few at a time: the browser would queue the rest, and the page's own refreshes behind them. */
async function forEach(ids: readonly string[], act: (id: string) => Promise<unknown>): Promise<void> {
  const waiting = [...ids];
  const worker = async () => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) await act(id);
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
}

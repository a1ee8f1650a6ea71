import { useInfiniteQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { ApiError } from '../api/request.ts';
import { runFromWire } from '../api/run.ts';
import { type RunQuery, runsQuery } from '../api/runs.ts';
import { splitList } from '../app/url.ts';
import { autoColumns, catalogOf, isColumn } from './columns.ts';
import { uniqueRuns } from './tree.ts';

/** The loaded runs, and the columns to show of them: those that `cols` names, or else what tells the runs apart. */
export function useRunList(query: RunQuery, cols: string | undefined) {
  const list = useInfiniteQuery(runsQuery(query));
  const runs = useMemo(
    () => uniqueRuns((list.data?.pages ?? []).flatMap((page) => page.runs ?? []).map(runFromWire)),
    [list.data],
  );
  const catalog = useMemo(() => catalogOf(runs), [runs]);
  const columns = useMemo(() => {
    const chosen = splitList(cols).filter(isColumn);
    return chosen.length > 0 ? chosen : autoColumns(runs, catalog);
  }, [cols, runs, catalog]);
  const refused = list.error instanceof ApiError && list.error.status === 400 && query.filter !== '';
  return { list, runs, catalog, columns, refusal: refused ? list.error?.message : undefined };
}

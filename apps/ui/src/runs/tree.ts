import type { Run } from '../api/run.ts';

export interface Row {
  run: Run;
  depth: number;
  hasChildren: boolean;
}

/** Runs in the server's order, each followed by its loaded children; a child whose parent is not loaded stands by itself. */
export function treeRows(runs: readonly Run[], collapsed: ReadonlySet<string>): Row[] {
  const loaded = new Map(runs.map((run) => [run.id, run]));
  const children = Map.groupBy(runs, (run) => parentIn(loaded, run));
  const rows: Row[] = [];
  const placed = new Set<string>();
  const place = (run: Run, depth: number, visible: boolean) => {
    if (placed.has(run.id)) return;
    placed.add(run.id);
    const own = children.get(run.id) ?? [];
    if (visible) rows.push({ run, depth, hasChildren: own.length > 0 });
    for (const child of own) place(child, depth + 1, visible && !collapsed.has(run.id));
  };
  for (const run of children.get(undefined) ?? []) place(run, 0, true);
  for (const run of runs) place(run, 0, true);
  return rows;
}

/** In an order by value, families would hide which run is best: everyone stands alone. */
export function flatRows(runs: readonly Run[]): Row[] {
  return runs.map((run) => ({ run, depth: 0, hasChildren: false }));
}

function parentIn(loaded: ReadonlyMap<string, Run>, run: Run): string | undefined {
  return run.parentId !== undefined && loaded.has(run.parentId) ? run.parentId : undefined;
}

/** Pages may overlap where runs arrived between their reads. */
export function uniqueRuns(runs: readonly Run[]): Run[] {
  return [...new Map(runs.map((run) => [run.id, run])).values()];
}

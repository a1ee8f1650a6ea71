import type { Run } from '../api/run.ts';
import { byName } from '../format/order.ts';

/** A column's id is its key in MLflow's filter language without quotes: `metrics.loss`, `params.lr`, `tags.team`. */
export type ColumnKind = 'metrics' | 'params' | 'tags';

export interface Catalog {
  metrics: readonly string[];
  params: readonly string[];
  tags: readonly string[];
}

const MOST_METRICS = 6;
const MOST_PARAMS = 8;

/** Every key that the loaded runs have, those first that most of them have. */
export function catalogOf(runs: readonly Run[]): Catalog {
  return {
    metrics: keysByUse(runs, 'metrics').filter((key) => !key.startsWith('system/')),
    params: keysByUse(runs, 'params'),
    tags: keysByUse(runs, 'tags').filter((key) => !key.startsWith('mlflow.')),
  };
}

/** What tells the loaded runs apart: metrics and params that vary. Among metrics that are all equal, all are as good. */
export function autoColumns(runs: readonly Run[], { metrics, params }: Catalog): string[] {
  const varyingMetrics = metrics.filter((key) => varies(runs, 'metrics', key));
  const varyingParams = runs.length === 1 ? params : params.filter((key) => varies(runs, 'params', key));
  return [
    ...(varyingMetrics.length > 0 ? varyingMetrics : metrics).slice(0, MOST_METRICS).map((key) => `metrics.${key}`),
    ...varyingParams.slice(0, MOST_PARAMS).map((key) => `params.${key}`),
  ];
}

export function columnKind(column: string): ColumnKind {
  return column.startsWith('metrics.') ? 'metrics' : column.startsWith('params.') ? 'params' : 'tags';
}

export function columnKey(column: string): string {
  return column.slice(column.indexOf('.') + 1);
}

export function textCell(run: Run, column: string): string | undefined {
  const key = columnKey(column);
  return columnKind(column) === 'params' ? run.params.get(key) : run.tags.get(key);
}

/** Numbers stand right-aligned under each other, also those that came as text. */
export function isNumeric(runs: readonly Run[], column: string): boolean {
  if (columnKind(column) === 'metrics') return true;
  const values = runs.map((run) => textCell(run, column)).filter((value) => value !== undefined && value !== '');
  return values.length > 0 && values.every((value) => !Number.isNaN(Number(value)));
}

/** Column ids as they stand in the URL. Keys hold no commas; what a strange server sends is left out. */
export function isColumn(column: string): boolean {
  return /^(metrics|params|tags)\../.test(column);
}

function keysByUse(runs: readonly Run[], kind: ColumnKind): string[] {
  const uses = new Map<string, number>();
  for (const run of runs) for (const key of run[kind].keys()) uses.set(key, (uses.get(key) ?? 0) + 1);
  const byUse = [...uses].sort(([a, usesA], [b, usesB]) => usesB - usesA || byName(a, b));
  return byUse.map(([key]) => key);
}

function varies(runs: readonly Run[], kind: 'metrics' | 'params', key: string): boolean {
  const seen = new Set<string | number>();
  for (const run of runs) {
    const value = kind === 'metrics' ? run.metrics.get(key)?.value : run.params.get(key);
    if (value !== undefined) seen.add(value);
    if (seen.size > 1) return true;
  }
  return false;
}

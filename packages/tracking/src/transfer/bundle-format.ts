import { type Int64, wireDouble } from '../runs/run.ts';
import { encode } from '../runs/run-doc.store.ts';
import type { ExperimentRecord, ModelRecord, RunRecord } from './records.ts';

/**
 * A bundle is a folder: the manifest, one file of JSON lines for each kind of entity, and the files of runs and models
 * below `artifacts/`. The manifest is written last, so that an export that was interrupted is no bundle.
 */
export const FORMAT = 'millrace-bundle';
export const VERSION = 1;
export const MANIFEST = 'manifest.json';

export const FILES = {
  experiments: 'experiments.jsonl',
  runs: 'runs.jsonl',
  metrics: 'metrics.jsonl',
  models: 'models.jsonl',
  modelMetrics: 'model-metrics.jsonl',
  artifacts: 'artifacts.jsonl',
} as const;

export type BundleFile = keyof typeof FILES;

export interface Manifest {
  readonly format: typeof FORMAT;
  readonly version: number;
  /** Identifies the installation that the bundle was exported from. */
  readonly source: string;
  readonly created_at: string;
  readonly files: Readonly<Record<BundleFile, FileSummary>>;
}

export interface FileSummary {
  readonly name: string;
  readonly lines: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** Bytes of another file, from `start` up to and without `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export type ExperimentLine = ExperimentRecord;
export type RunLine = { readonly record: RunRecord; readonly metrics: Span; readonly artifacts: Span };
export type ModelLine = { readonly record: ModelRecord; readonly metrics: Span; readonly artifacts: Span };

/** Points of one metric. NaN and the infinities are text. */
export interface MetricsLine {
  readonly key: string;
  readonly points: readonly (readonly [step: Int64, timestamp: Int64, value: number | string])[];
}

export interface ModelMetricsLine extends MetricsLine {
  readonly run: string;
  readonly dataset: readonly [name: string, digest: string];
}

export interface ArtifactLine {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
}

export const artifactFolder = (kind: 'run' | 'model', id: string): string => `artifacts/${kind}s/${id}`;

export const bundleLine = (value: unknown): string => `${encode(value)}\n`;

export const bundleValue = (value: number): number | string => wireDouble(value, Number.isNaN(value));

/** Integers beyond 2^53 come back as bigint. */
export function parseLine<T>(line: string): T {
  if (!/\d{16}/.test(line)) return JSON.parse(line) as T;
  const exactly = (_key: string, value: unknown, context?: { readonly source: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '')
      ? BigInt(context!.source)
      : value;
  return JSON.parse(line, exactly as (key: string, value: unknown) => unknown) as T;
}

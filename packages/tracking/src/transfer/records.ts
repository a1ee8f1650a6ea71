import type { DatasetInput } from '../datasets/dataset.commands.ts';
import type { Int64, KeyValue, MetricPoint, RunStatus } from '../runs/run.ts';
import type { ArtifactTree } from './artifact-tree.ts';

/** What can be left out of no import: a run in state `purging` is nobody's any more. */
export type Stage = 'active' | 'deleted';

/** An experiment as its source has it. */
export interface ExperimentRecord {
  readonly id: string;
  readonly name: string;
  readonly artifactLocation: string;
  readonly stage: Stage;
  readonly creationTime: Int64;
  readonly lastUpdateTime: Int64;
  readonly tags: readonly KeyValue[];
}

export interface ModelUse {
  readonly model_id: string;
  readonly step: Int64;
}

/** A run as its source has it, without its metrics. */
export interface RunRecord {
  readonly runUuid: string;
  readonly experimentId: string;
  readonly name: string;
  readonly userId: string;
  readonly status: RunStatus;
  readonly startTime: Int64;
  readonly endTime: Int64 | null;
  readonly deletedTime: Int64 | null;
  readonly stage: Stage;
  readonly artifactUri: string;
  readonly params: readonly KeyValue[];
  readonly tags: readonly KeyValue[];
  readonly datasets: readonly DatasetInput[];
  readonly modelInputs: readonly ModelUse[];
  readonly modelOutputs: readonly ModelUse[];
}

/** A logged model as its source has it, without its metrics. */
export interface ModelRecord {
  readonly modelId: string;
  readonly experimentId: string;
  readonly name: string;
  readonly artifactLocation: string;
  readonly creationTime: Int64;
  readonly lastUpdateTime: Int64;
  /** The place in MODEL_STATUSES. */
  readonly status: number;
  readonly statusMessage: string | null;
  readonly modelType: string | null;
  readonly sourceRunId: string | null;
  readonly stage: Stage;
  readonly params: readonly KeyValue[];
  readonly tags: readonly KeyValue[];
}

/** A metric of a logged model, with the run that logged it. */
export interface ModelMetric extends MetricPoint {
  readonly runUuid: string;
}

/** A record and what else tells that it changed: counts or sizes of what it leaves out. */
export interface Sourced<T> {
  readonly record: T;
  readonly state: string;
}

/** Where an import reads from. Nothing of it is ever changed. */
export interface ImportSource {
  /** In words for people, without secrets. */
  readonly title: string;
  /** Tells this source from others, the same at every import. */
  readonly fingerprint: string;
  /** How many runs there are, where that is cheap to know. */
  countRuns(): Promise<number | null>;
  experiments(): AsyncIterable<ExperimentRecord>;
  runs(): AsyncIterable<readonly Sourced<RunRecord>[]>;
  models(): AsyncIterable<readonly Sourced<ModelRecord>[]>;
  /** The whole history in pieces of bounded size. */
  metrics(run: RunRecord): AsyncIterable<readonly MetricPoint[]>;
  modelMetrics(model: ModelRecord): AsyncIterable<readonly ModelMetric[]>;
  /** The files of a run or logged model. Throws a DomainError where they cannot be reached. */
  artifacts(owner: ArtifactOwner): Promise<ArtifactTree>;
  /** What the source holds and the product does not know, by name. */
  leftOut(): Promise<ReadonlyMap<string, number>>;
  close(): Promise<void>;
}

export interface ArtifactOwner {
  readonly kind: 'run' | 'model';
  readonly id: string;
  readonly experimentId: string;
  readonly uri: string;
}

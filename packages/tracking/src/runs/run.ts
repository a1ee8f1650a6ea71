/** Text of the statuses, as the wire names them. */
export type RunStatus = 'RUNNING' | 'SCHEDULED' | 'FINISHED' | 'FAILED' | 'KILLED';

/** A run whose artifacts are being removed for good is `purging`: no request reaches it. */
export type LifecycleStage = 'active' | 'deleted' | 'purging';

/** Milliseconds since the epoch; beyond 2^53 as bigint, exactly as sent. */
export type Int64 = number | bigint;

export interface KeyValue {
  readonly key: string;
  readonly value: string;
}

export interface MetricPoint {
  readonly key: string;
  readonly value: number;
  readonly timestamp: Int64;
  readonly step: Int64;
  readonly model_id?: string | undefined;
  readonly dataset_name?: string | undefined;
  readonly dataset_digest?: string | undefined;
}

export const RUN_NAME_TAG = 'mlflow.runName';
export const LOGGED_MODELS_TAG = 'mlflow.log-model.history';

/** What a write needs to know of the run that it goes to. */
export interface RunRef {
  readonly id: number;
  readonly runUuid: string;
  readonly experimentId: Int64;
  readonly startTime: Int64;
  readonly lifecycleStage: LifecycleStage;
}

/** NaN and the infinities have no JSON number: they travel as protobuf's JSON mapping spells them. */
export const wireDouble = (value: number, isNan: boolean | number): number | string => {
  if (isNan) return 'NaN';
  if (Number.isFinite(value)) return value;
  return value > 0 ? 'Infinity' : '-Infinity';
};

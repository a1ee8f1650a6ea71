import type { DatasetInput } from '../../datasets/dataset.commands.ts';
import type { MODEL_STATUSES } from '../../logged-models/logged-model.ts';
import type { Int64, KeyValue, RunStatus } from '../../runs/run.ts';
import type { Stage } from '../records.ts';
import type { WireFile } from './list-tree.ts';

/** What imports read of the answers of MLflow's REST API. Fields that are empty are absent. */

type Double = number | 'NaN' | 'Infinity' | '-Infinity';

export interface WireMetric {
  readonly key: string;
  readonly value?: Double;
  readonly timestamp?: Int64;
  readonly step?: Int64;
}

export interface WireRun {
  readonly info: {
    readonly run_id?: string;
    readonly run_uuid: string;
    readonly run_name?: string;
    readonly experiment_id: string;
    readonly user_id?: string;
    readonly status: RunStatus;
    readonly start_time?: Int64;
    readonly end_time?: Int64;
    readonly artifact_uri?: string;
    readonly lifecycle_stage?: Stage;
  };
  readonly data?: {
    readonly metrics?: readonly WireMetric[];
    readonly params?: readonly Partial<KeyValue>[];
    readonly tags?: readonly Partial<KeyValue>[];
  };
  readonly inputs?: {
    readonly dataset_inputs?: readonly DatasetInput[];
    readonly model_inputs?: readonly { readonly model_id: string }[];
  };
  readonly outputs?: { readonly model_outputs?: readonly { readonly model_id: string; readonly step?: Int64 }[] };
}

export interface WireModel {
  readonly info: {
    readonly model_id: string;
    readonly experiment_id: string;
    readonly name?: string;
    readonly creation_timestamp_ms?: Int64;
    readonly last_updated_timestamp_ms?: Int64;
    readonly artifact_uri?: string;
    readonly status?: (typeof MODEL_STATUSES)[number];
    readonly status_message?: string;
    readonly model_type?: string;
    readonly source_run_id?: string;
    readonly tags?: readonly Partial<KeyValue>[];
  };
  readonly data?: {
    readonly params?: readonly Partial<KeyValue>[];
    readonly metrics?: readonly (WireMetric & {
      readonly run_id?: string;
      readonly dataset_name?: string;
      readonly dataset_digest?: string;
    })[];
  };
}

export interface WireExperiment {
  readonly experiment_id: string;
  readonly name?: string;
  readonly artifact_location?: string;
  readonly lifecycle_stage?: Stage;
  readonly creation_time?: Int64;
  readonly last_update_time?: Int64;
  readonly tags?: readonly Partial<KeyValue>[];
}

export interface Page {
  readonly next_page_token?: string;
  readonly [field: string]: unknown;
}

export interface FileList {
  readonly files?: readonly WireFile[];
  readonly next_page_token?: string;
}

// The messages of the MLflow API as they travel. The server leaves out what is empty, so nearly everything is optional.

export interface KeyValue {
  key: string;
  value?: string;
}

/** NaN, and the infinities from some servers, travel as strings. */
export type WireDouble = number | string;

export interface WireMetric {
  key: string;
  value?: WireDouble;
  timestamp?: number;
  step?: number;
  run_id?: string;
}

export interface WireExperiment {
  experiment_id: string;
  name: string;
  artifact_location?: string;
  lifecycle_stage?: string;
  creation_time?: number;
  last_update_time?: number;
  tags?: KeyValue[];
}

export interface WireDatasetInput {
  tags?: KeyValue[];
  dataset: { name: string; digest: string; source_type?: string; source?: string; schema?: string; profile?: string };
}

export interface WireRun {
  info: {
    run_id: string;
    run_name?: string;
    experiment_id: string;
    user_id?: string;
    status?: string;
    start_time?: number;
    end_time?: number;
    artifact_uri?: string;
    lifecycle_stage?: string;
  };
  data?: { metrics?: WireMetric[]; params?: KeyValue[]; tags?: KeyValue[] };
  inputs?: { dataset_inputs?: WireDatasetInput[]; model_inputs?: { model_id: string }[] };
  outputs?: { model_outputs?: { model_id: string; step?: number }[] };
}

export interface WireLoggedModel {
  info: {
    model_id: string;
    experiment_id: string;
    name?: string;
    creation_timestamp_ms?: number;
    last_updated_timestamp_ms?: number;
    artifact_uri?: string;
    status?: string;
    model_type?: string;
    source_run_id?: string;
    status_message?: string;
    tags?: KeyValue[];
  };
  data?: { params?: KeyValue[]; metrics?: WireMetric[] };
}

export interface WireFile {
  path: string;
  is_dir?: boolean;
  file_size?: number;
}

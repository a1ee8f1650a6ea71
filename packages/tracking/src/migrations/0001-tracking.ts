import type { Migration } from '@millrace/db';

/**
 * Experiments, runs and what is logged to them.
 *
 * Latest metrics, params and tags carry their run's experiment and start time, so that a page filtered or sorted by one
 * of them is a range of an index. Metric history is clustered by run, key and step.
 */
export const tracking: Migration = {
  id: '0001-tracking',
  statements: [
    // Names of metrics, params and tags, stored once. Rows are never changed or deleted.
    `CREATE TABLE keys (
      id {id},
      name {text} NOT NULL UNIQUE
    )`,
    // The last number given out, where a database's own sequence would follow an imported number.
    `CREATE TABLE counters (
      name {text} NOT NULL PRIMARY KEY,
      value {int} NOT NULL
    )`,
    "INSERT INTO counters (name, value) VALUES ('experiments', 0)",
    `CREATE TABLE experiments (
      id {int} NOT NULL PRIMARY KEY,
      workspace {text} NOT NULL DEFAULT 'default',
      name {text} NOT NULL,
      artifact_location {text} NOT NULL,
      lifecycle_stage {text} NOT NULL DEFAULT 'active',
      creation_time {int} NOT NULL,
      last_update_time {int} NOT NULL,
      UNIQUE (workspace, name)
    )`,
    'CREATE INDEX experiments_by_creation ON experiments (lifecycle_stage, creation_time DESC, id)',
    `CREATE TABLE experiment_tags (
      experiment_id {int} NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
      key {text} NOT NULL,
      value {text} NOT NULL,
      PRIMARY KEY (experiment_id, key)
    ) {clustered}`,
    `CREATE TABLE runs (
      id {id},
      run_uuid {text} NOT NULL UNIQUE,
      experiment_id {int} NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
      name {text} NOT NULL,
      user_id {text} NOT NULL,
      status {text} NOT NULL,
      start_time {int} NOT NULL,
      end_time {int},
      deleted_time {int},
      lifecycle_stage {text} NOT NULL DEFAULT 'active',
      artifact_uri {text} NOT NULL
    ) {compact}`,
    'CREATE INDEX runs_by_start ON runs (experiment_id, lifecycle_stage, start_time DESC, run_uuid)',
    'CREATE INDEX runs_by_name ON runs (experiment_id, lifecycle_stage, name)',
    // A run as JSON, made when it is first read and dropped by whatever changes the run.
    `CREATE TABLE run_docs (
      run_id {int} NOT NULL PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
      doc {text} NOT NULL
    )`,
    `CREATE TABLE metrics (
      run_id {int} NOT NULL,
      key_id {int} NOT NULL,
      step {int} NOT NULL,
      timestamp {int} NOT NULL,
      value {real} NOT NULL,
      is_nan {int} NOT NULL,
      PRIMARY KEY (run_id, key_id, step, timestamp, value, is_nan)
    ) {clustered}`,
    // One row a metric of a run: its latest point and the statistics over all points that are not NaN.
    // in_order: points by step are also points by time, so that history needs no sort.
    `CREATE TABLE latest_metrics (
      run_id {int} NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      key_id {int} NOT NULL,
      experiment_id {int} NOT NULL,
      start_time {int} NOT NULL,
      value {real} NOT NULL,
      is_nan {int} NOT NULL,
      step {int} NOT NULL,
      timestamp {int} NOT NULL,
      points {int} NOT NULL,
      in_order {int} NOT NULL,
      total {real},
      low {real},
      low_step {int},
      high {real},
      high_step {int},
      PRIMARY KEY (run_id, key_id)
    ) {clustered}`,
    'CREATE INDEX latest_metrics_by_value ON latest_metrics (experiment_id, key_id, is_nan, value, start_time DESC)',
    // number: the number that the text spells, where it spells one, so that params compare as numbers too.
    `CREATE TABLE params (
      run_id {int} NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      key_id {int} NOT NULL,
      experiment_id {int} NOT NULL,
      start_time {int} NOT NULL,
      value {text} NOT NULL,
      number {real},
      PRIMARY KEY (run_id, key_id)
    ) {clustered}`,
    // A B-tree page of PostgreSQL takes no long key: the index holds a prefix.
    'CREATE INDEX params_by_value ON params (experiment_id, key_id, substr(value, 1, 200), start_time DESC)',
    'CREATE INDEX params_by_number ON params (experiment_id, key_id, number)',
    `CREATE TABLE tags (
      run_id {int} NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      key_id {int} NOT NULL,
      experiment_id {int} NOT NULL,
      start_time {int} NOT NULL,
      value {text} NOT NULL,
      PRIMARY KEY (run_id, key_id)
    ) {clustered}`,
    'CREATE INDEX tags_by_value ON tags (experiment_id, key_id, substr(value, 1, 200), start_time DESC)',
    `CREATE TABLE datasets (
      id {id},
      experiment_id {int} NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
      name {text} NOT NULL,
      digest {text} NOT NULL,
      source_type {text} NOT NULL,
      source {text} NOT NULL,
      schema {text},
      profile {text},
      UNIQUE (experiment_id, name, digest)
    )`,
    `CREATE TABLE run_datasets (
      run_id {int} NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      dataset_id {int} NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
      tags {text} NOT NULL,
      context {text},
      PRIMARY KEY (run_id, dataset_id)
    ) {clustered}`,
    'CREATE INDEX run_datasets_by_dataset ON run_datasets (dataset_id, run_id)',
    // Models that a run reads (kind 0) and makes (kind 1).
    `CREATE TABLE run_models (
      run_id {int} NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      kind {int} NOT NULL,
      model_id {text} NOT NULL,
      step {int} NOT NULL,
      PRIMARY KEY (run_id, kind, model_id)
    ) {clustered}`,
    'CREATE INDEX run_models_by_model ON run_models (model_id, kind)',
    `CREATE TABLE logged_models (
      id {id},
      model_id {text} NOT NULL UNIQUE,
      experiment_id {int} NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
      name {text} NOT NULL,
      artifact_location {text} NOT NULL,
      creation_time {int} NOT NULL,
      last_update_time {int} NOT NULL,
      status {int} NOT NULL,
      status_message {text},
      lifecycle_stage {text} NOT NULL DEFAULT 'active',
      model_type {text},
      source_run_id {text}
    )`,
    'CREATE INDEX logged_models_by_creation ON logged_models (experiment_id, lifecycle_stage, creation_time DESC, model_id)',
    'CREATE INDEX logged_models_by_run ON logged_models (source_run_id)',
    `CREATE TABLE logged_model_params (
      model_id {int} NOT NULL REFERENCES logged_models (id) ON DELETE CASCADE,
      key {text} NOT NULL,
      value {text} NOT NULL,
      number {real},
      PRIMARY KEY (model_id, key)
    ) {clustered}`,
    `CREATE TABLE logged_model_tags (
      model_id {int} NOT NULL REFERENCES logged_models (id) ON DELETE CASCADE,
      key {text} NOT NULL,
      value {text} NOT NULL,
      PRIMARY KEY (model_id, key)
    ) {clustered}`,
    // dataset_name and dataset_digest are empty where the metric was logged without a dataset. In the order of the primary
    // key the latest point of a metric comes last.
    `CREATE TABLE logged_model_metrics (
      model_id {int} NOT NULL REFERENCES logged_models (id) ON DELETE CASCADE,
      key {text} NOT NULL,
      dataset_name {text} NOT NULL,
      dataset_digest {text} NOT NULL,
      run_uuid {text} NOT NULL,
      step {int} NOT NULL,
      timestamp {int} NOT NULL,
      value {real} NOT NULL,
      is_nan {int} NOT NULL,
      PRIMARY KEY (model_id, key, timestamp, step, run_uuid, dataset_name, dataset_digest, value, is_nan)
    ) {clustered}`,
  ],
};

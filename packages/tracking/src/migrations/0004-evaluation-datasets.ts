import type { Migration } from '@millrace/db';

/** Evaluation datasets: named sets of records, shared by experiments. */
export const evaluationDatasets: Migration = {
  id: '0004-evaluation-datasets',
  statements: [
    // num_records: null until the first record came.
    `CREATE TABLE evaluation_datasets (
      id {id},
      dataset_id {text} NOT NULL UNIQUE,
      name {text} NOT NULL,
      digest {text} NOT NULL,
      schema {text},
      num_records {int},
      created_time {int} NOT NULL,
      last_update_time {int} NOT NULL,
      created_by {text},
      last_updated_by {text}
    )`,
    'CREATE INDEX evaluation_datasets_by_creation ON evaluation_datasets (created_time DESC, dataset_id DESC)',
    'CREATE INDEX evaluation_datasets_by_update ON evaluation_datasets (last_update_time DESC, dataset_id DESC)',
    'CREATE INDEX evaluation_datasets_by_name ON evaluation_datasets (name, dataset_id DESC)',
    `CREATE TABLE evaluation_dataset_tags (
      dataset_id {int} NOT NULL REFERENCES evaluation_datasets (id) ON DELETE CASCADE,
      key {text} NOT NULL,
      value {text} NOT NULL,
      PRIMARY KEY (dataset_id, key)
    ) {clustered}`,
    `CREATE TABLE evaluation_dataset_experiments (
      dataset_id {int} NOT NULL REFERENCES evaluation_datasets (id) ON DELETE CASCADE,
      experiment_id {int} NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
      created_time {int} NOT NULL,
      PRIMARY KEY (dataset_id, experiment_id)
    ) {clustered}`,
    'CREATE INDEX evaluation_dataset_experiments_by_experiment ON evaluation_dataset_experiments (experiment_id, dataset_id)',
    // inputs, outputs, expectations, tags and source are JSON as Python writes it, which knows NaN. input_hash: SHA-256 of
    // the inputs with sorted keys. A record keeps its id, and with it its place, when it is merged.
    `CREATE TABLE evaluation_dataset_records (
      id {id},
      record_id {text} NOT NULL UNIQUE,
      dataset_id {int} NOT NULL REFERENCES evaluation_datasets (id) ON DELETE CASCADE,
      input_hash {text} NOT NULL,
      inputs {text} NOT NULL,
      outputs {text},
      expectations {text},
      tags {text} NOT NULL,
      source {text},
      source_id {text},
      source_type {text},
      created_time {int} NOT NULL,
      last_update_time {int} NOT NULL,
      created_by {text},
      last_updated_by {text},
      UNIQUE (input_hash, dataset_id)
    )`,
    'CREATE INDEX evaluation_dataset_records_by_dataset ON evaluation_dataset_records (dataset_id, id)',
  ],
};

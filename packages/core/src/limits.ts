// Every limit of the platform's core, with its source. "MLflow" is its 3.17 server.

// Filters, order_by and page tokens: ours. MLflow has none but its SQL tokeniser's 10,000 tokens.
export const MAX_FILTER_LENGTH = 65_536;
export const MAX_FILTER_CLAUSES = 100;
export const MAX_FILTER_NESTING = 100;
export const MAX_FILTER_LIST = 1_000;
export const MAX_ORDER_KEYS = 32;
export const MAX_PAGE_TOKEN_LENGTH = 262_144;

// MLflow, utils/validation.py. Lengths count Unicode code points.
export const MAX_KEY_LENGTH = 250;
export const MAX_PARAM_VALUE_LENGTH = 6_000;
export const MAX_RUN_TAG_VALUE_LENGTH = 8_000;
export const MAX_EXPERIMENT_NAME_LENGTH = 500;
export const MAX_EXPERIMENT_TAG_VALUE_LENGTH = 20_000;
export const MAX_REGISTRY_TAG_VALUE_LENGTH = 100_000;
export const MAX_MODEL_ALIAS_LENGTH = 255;
export const MAX_TRACE_TAG_VALUE_LENGTH = 8_000;
export const MAX_DATASET_NAME_LENGTH = 500;
export const MAX_DATASET_DIGEST_LENGTH = 36;
export const MAX_DATASET_SOURCE_LENGTH = 65_535;
export const MAX_DATASET_SCHEMA_LENGTH = 1_048_575;
export const MAX_DATASET_PROFILE_LENGTH = 16_777_215;
export const MAX_INPUT_TAG_KEY_LENGTH = 255;
export const MAX_INPUT_TAG_VALUE_LENGTH = 500;

// MLflow, the columns of its database: names beyond these fail there on PostgreSQL.
export const MAX_REGISTERED_MODEL_NAME_LENGTH = 256;
export const MAX_RUN_NAME_LENGTH = 250;
export const MAX_LOGGED_MODEL_NAME_LENGTH = 500;

// MLflow, environment_variables.py: MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH.
export const MAX_ARTIFACT_LOCATION_LENGTH = 2_048;

// MLflow, utils/validation.py: one log-batch request.
export const MAX_BATCH_METRICS = 1_000;
export const MAX_BATCH_PARAMS = 100;
export const MAX_BATCH_TAGS = 100;
export const MAX_BATCH_ENTITIES = 1_000;

/**
 * Page sizes: what a search returns unasked, and the most that may be asked for. From MLflow's handlers and protos, save
 * two of ours: MLflow refuses an experiment search that names no size, and sets no bound on logged models and datasets.
 */
export const PAGE_SIZES = {
  run: { standard: 1_000, most: 50_000 },
  experiment: { standard: 1_000, most: 50_000 },
  registered_model: { standard: 100, most: 1_000 },
  model_version: { standard: 200_000, most: 200_000 },
  logged_model: { standard: 50, most: 50_000 },
  evaluation_dataset: { standard: 1_000, most: 50_000 },
  trace: { standard: 100, most: 500 },
  webhook: { standard: 100, most: 1_000 },
  dataset_record: { standard: 1_000, most: 50_000 },
} as const;

// MLflow, server/handlers.py: metric history.
export const MAX_METRIC_HISTORY_BULK_RESULTS = 25_000;
export const MAX_METRIC_HISTORY_BULK_RUNS = 100;
export const MAX_METRIC_INTERVAL_RESULTS = 2_500;

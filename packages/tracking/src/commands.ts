/** Every use of the database by this feature: worker threads load this module to run them by name. */
export * from './artifacts/artifact.commands.ts';
export * from './datasets/dataset.commands.ts';
export * from './evaluation-datasets/evaluation-dataset.commands.ts';
export * from './evaluation-datasets/evaluation-dataset-search.commands.ts';
export * from './experiments/experiment.commands.ts';
export * from './experiments/experiment-search.commands.ts';
export * from './gc/gc.commands.ts';
export * from './logged-models/logged-model.commands.ts';
export * from './logged-models/logged-model-search.commands.ts';
export * from './metrics/history.commands.ts';
export * from './runs/run.commands.ts';
export * from './runs/run-search.commands.ts';
export * from './transfer/export.commands.ts';
export * from './transfer/import.commands.ts';
export * from './transfer/import-model.commands.ts';

import { invalid } from '@millrace/core';
import { list, read, sql, type Transactor, write } from '@millrace/db';
import { experimentIdOf } from '../experiments/experiment.store.ts';
import { linkModels, type ModelLink } from '../runs/run.commands.ts';
import { dropDoc, holdActiveRun } from '../runs/run.store.ts';
import type { KeyValue, RunRef } from '../runs/run.ts';

export interface DatasetInput {
  readonly tags?: readonly KeyValue[] | undefined;
  readonly dataset: {
    readonly name: string;
    readonly digest: string;
    readonly source_type: string;
    readonly source: string;
    readonly schema?: string | undefined;
    readonly profile?: string | undefined;
  };
}

/** The tag of an input that filters know as `dataset.context`. */
const CONTEXT_TAG = 'mlflow.data.context';

export const logInputs = write(
  'runs.logInputs',
  async (
    tx,
    input: { runUuid: string; datasets: readonly DatasetInput[]; models: readonly ModelLink[] },
  ): Promise<void> => {
    const run = await holdActiveRun(tx, input.runUuid);
    for (const dataset of input.datasets) await linkDataset(tx, run, dataset);
    await linkModels(tx, run.id, 0, input.models);
    await dropDoc(tx, run);
  },
);

/** A dataset is stored once an experiment by name and digest; a run that has it already keeps its first tags. */
async function linkDataset(tx: Transactor, run: RunRef, { dataset, tags = [] }: DatasetInput): Promise<void> {
  await tx.run(
    `INSERT INTO datasets (experiment_id, name, digest, source_type, source, schema, profile)
     VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (experiment_id, name, digest) DO NOTHING`,
    [
      run.experimentId,
      dataset.name,
      dataset.digest,
      dataset.source_type,
      dataset.source,
      dataset.schema ?? null,
      dataset.profile ?? null,
    ],
  );
  const [row] = await tx.all<[number]>('SELECT id FROM datasets WHERE experiment_id = ? AND name = ? AND digest = ?', [
    run.experimentId,
    dataset.name,
    dataset.digest,
  ]);
  const context = tags.find(({ key }) => key === CONTEXT_TAG)?.value ?? null;
  await tx.run(
    `INSERT INTO run_datasets (run_id, dataset_id, tags, context) VALUES (?, ?, ?, ?)
     ON CONFLICT (run_id, dataset_id) DO NOTHING`,
    [run.id, row![0], JSON.stringify(tags.map(({ key, value }) => ({ key, value }))), context],
  );
}

const MAX_SUMMARIES = 1000;
const MAX_EXPERIMENTS = 20;

/** The datasets that runs of these experiments used, once for each context. */
export const searchDatasets = read(
  'datasets.search',
  async (db, experimentIds: readonly string[]): Promise<object[]> => {
    if (experimentIds.length > MAX_EXPERIMENTS) {
      throw invalid(`At most ${MAX_EXPERIMENTS} experiment_ids can be searched for datasets at once.`);
    }
    const ids = experimentIds.map(experimentIdOf);
    const rows = await db.query<[number, string, string, string | null]>(
      sql`SELECT DISTINCT d.experiment_id, d.name, d.digest, i.context
        FROM datasets d JOIN run_datasets i ON i.dataset_id = d.id JOIN runs r ON r.id = i.run_id
        WHERE d.experiment_id IN ${list(ids)} AND r.lifecycle_stage = 'active'
        ORDER BY d.experiment_id, d.name, d.digest, i.context LIMIT ${MAX_SUMMARIES}`,
    );
    return rows.map(([experimentId, name, digest, context]) => ({
      experiment_id: String(experimentId),
      name,
      digest,
      ...(context === null ? {} : { context }),
    }));
  },
);

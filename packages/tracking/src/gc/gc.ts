import { appendToUri, DomainError } from '@millrace/core';
import type { Database } from '@millrace/db';
import type { ArtifactPlaces } from '../artifacts/artifact-places.ts';
import {
  claimModel,
  claimRun,
  type Doomed,
  findDoomed,
  type GcScope,
  purgeExperiment,
  purgeModel,
  purgeSome,
} from './gc.commands.ts';

export interface GcReport {
  runs: number;
  models: number;
  experiments: number;
  /** Artifacts that could not be removed: their run, model or experiment stays, and the next gc tries again. */
  readonly failures: { readonly what: string; readonly reason: string }[];
}

export interface GcOptions {
  readonly scope: GcScope;
  /** Where experiments without a location of their own keep their artifacts. */
  readonly artifactRoot: string;
  /** Hears what is done and how much there is. */
  readonly onProgress: (done: number, total: number) => void;
}

export const findGarbage = (db: Database, scope: GcScope): Promise<Doomed> => db.search(findDoomed, scope);

/**
 * Removes deleted runs, logged models and experiments for good, artifacts first: whatever is interrupted is still found
 * by the next gc.
 */
export async function collectGarbage(db: Database, places: ArtifactPlaces, options: GcOptions): Promise<GcReport> {
  const doomed = await findGarbage(db, options.scope);
  const total = doomed.runs.length + doomed.models.length + doomed.experiments.length;
  const report: GcReport = { runs: 0, models: 0, experiments: 0, failures: [] };
  let done = 0;
  const attempt = async (what: string, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      report.failures.push({ what, reason: error.message });
    }
    options.onProgress(++done, total);
  };
  const removeArtifacts = async (uri: string) => {
    const { store, folder } = await places.resolve(uri);
    await store.removeTree(folder);
  };
  // A run's folder is named after it and holds nothing but its artifacts.
  const ownFolder = (uri: string, id: string) =>
    uri.endsWith(`/${id}/artifacts`) ? uri.slice(0, -'/artifacts'.length) : uri;
  for (const { runUuid, artifactUri } of doomed.runs) {
    await attempt(`run ${runUuid}`, async () => {
      if (!(await db.write(claimRun, runUuid))) return;
      await removeArtifacts(ownFolder(artifactUri, runUuid));
      while (!(await db.write(purgeSome, runUuid)));
      report.runs++;
    });
  }
  for (const { modelId, artifactUri } of doomed.models) {
    await attempt(`logged model ${modelId}`, async () => {
      if (!(await db.write(claimModel, modelId))) return;
      await removeArtifacts(ownFolder(artifactUri, modelId));
      await db.write(purgeModel, modelId);
      report.models++;
    });
  }
  for (const { id, artifactUri } of doomed.experiments) {
    await attempt(`experiment ${id}`, async () => {
      if (!(await db.write(purgeExperiment, id))) return;
      report.experiments++;
      // A folder that somebody chose may hold more than this experiment.
      if (artifactUri === appendToUri(options.artifactRoot, String(id))) await removeArtifacts(artifactUri);
    });
  }
  return report;
}

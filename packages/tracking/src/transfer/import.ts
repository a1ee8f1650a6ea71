import { createHash } from 'node:crypto';
import { appendToUri, invalid } from '@millrace/core';
import type { Database } from '@millrace/db';
import type { ArtifactPlaces } from '../artifacts/artifact-places.ts';
import { encode } from '../runs/run-doc.store.ts';
import { isRemote } from './artifact-tree.ts';
import { copyArtifacts } from './copy-artifacts.ts';
import { findImported, findOwn, type ImportedExperiment, importExperiment, importRun } from './import.commands.ts';
import { importModel } from './import-model.commands.ts';
import { ImportReport } from './import-report.ts';
import { Pool, patiently } from './pool.ts';
import type { ArtifactOwner, ImportSource, ModelRecord, RunRecord, Sourced } from './records.ts';

export interface ImportOptions {
  /** Where experiments keep their artifacts in the target. */
  readonly artifactRoot: string;
  /** Leaves artifacts at locations that clients reach themselves (`s3://…`) where they are. */
  readonly keepArtifactUris: boolean;
  readonly onProgress: (report: ImportReport, totalRuns: number | null) => void;
}

/** Runs and models on their way at once: their writes share commits. */
const AT_ONCE = 24;

/** Copies everything of a source that the target does not have yet, or not in this state. */
export const importAll = (
  db: Database,
  places: ArtifactPlaces,
  source: ImportSource,
  options: ImportOptions,
): Promise<ImportReport> => new Importer(db, places, source, options).run();

class Importer {
  readonly #db: Database;
  readonly #places: ArtifactPlaces;
  readonly #source: ImportSource;
  readonly #options: ImportOptions;
  readonly #report = new ImportReport();
  readonly #experiments = new Map<string, ImportedExperiment>();
  #totalRuns: number | null = null;

  constructor(db: Database, places: ArtifactPlaces, source: ImportSource, options: ImportOptions) {
    this.#db = db;
    this.#places = places;
    this.#source = source;
    this.#options = options;
  }

  async run(): Promise<ImportReport> {
    this.#totalRuns = await this.#source.countRuns();
    await this.#importExperiments();
    await this.#importEach('run', this.#source.runs(), ({ runUuid }) => runUuid, this.#importRun);
    await this.#importEach('model', this.#source.models(), ({ modelId }) => modelId, this.#importModel);
    for (const [what, count] of await this.#source.leftOut()) this.#report.leftOut.set(what, count);
    return this.#report;
  }

  async #importExperiments(): Promise<void> {
    for await (const record of this.#source.experiments()) {
      await this.#attempt(`experiment ${record.id} '${record.name}'`, async () => {
        const input = {
          source: this.#source.fingerprint,
          record,
          keepLocation: this.#stays(record.artifactLocation),
          artifactRoot: this.#options.artifactRoot,
          digest: digestOf(record),
          now: Date.now(),
        };
        const experiment = await patiently(() => this.#db.write(importExperiment, input));
        this.#experiments.set(record.id, experiment);
        this.#report.experiments++;
        this.#report.mapExperiment(record, experiment);
      });
    }
  }

  /** Those that are new or changed; artifacts are compared for all. */
  async #importEach<T>(
    kind: 'run' | 'model',
    batches: AsyncIterable<readonly Sourced<T>[]>,
    idOf: (record: T) => string,
    importOne: (item: Sourced<T>, digest: string | undefined) => Promise<void>,
  ): Promise<void> {
    const pool = new Pool(AT_ONCE);
    for await (const batch of batches) {
      const ids = batch.map(({ record }) => idOf(record));
      const own = await this.#db.search(findOwn, { kind, ids });
      const known = await this.#db.search(findImported, { source: this.#source.fingerprint, kind, ids });
      for (const item of batch) {
        const id = idOf(item.record);
        if (own.has(id)) this.#report.foreign.push(`${kind} ${id}`);
        else await pool.add(() => this.#attempt(`${kind} ${id}`, () => importOne(item, known.get(id)?.digest)));
        this.#progress();
      }
      await pool.drained();
    }
  }

  readonly #importRun = async ({ record, state }: Sourced<RunRecord>, known: string | undefined): Promise<void> => {
    const { runUuid, experimentId } = record;
    const experiment = this.#experiment(experimentId);
    const artifactUri = await this.#bringArtifacts(
      { kind: 'run', id: runUuid, experimentId, uri: record.artifactUri },
      appendToUri(this.#folder(experiment), runUuid, 'artifacts'),
    );
    const digest = digestOf([record, state, artifactUri, String(experiment.id)]);
    if (known === digest) {
      this.#report.unchanged++;
      return;
    }
    const piece = {
      source: this.#source.fingerprint,
      record,
      experimentId: experiment.id,
      artifactUri,
      digest,
      now: Date.now(),
    };
    for await (const { items: points, isLast } of pieces(this.#source.metrics(record))) {
      await patiently(() => this.#db.write(importRun, { ...piece, points, isLast }));
      this.#report.points += points.length;
      this.#progress();
    }
    this.#report.runs++;
    this.#report.params += record.params.length;
    this.#report.tags += record.tags.length;
  };

  readonly #importModel = async ({ record, state }: Sourced<ModelRecord>, known: string | undefined): Promise<void> => {
    const { modelId, experimentId } = record;
    const experiment = this.#experiment(experimentId);
    const artifactLocation = await this.#bringArtifacts(
      { kind: 'model', id: modelId, experimentId, uri: record.artifactLocation },
      appendToUri(this.#folder(experiment), 'models', modelId, 'artifacts'),
    );
    const digest = digestOf([record, state, artifactLocation, String(experiment.id)]);
    if (known === digest) {
      this.#report.unchanged++;
      return;
    }
    const piece = {
      source: this.#source.fingerprint,
      record,
      experimentId: experiment.id,
      artifactLocation,
      digest,
      now: Date.now(),
    };
    for await (const { items: metrics, isLast } of pieces(this.#source.modelMetrics(record))) {
      await patiently(() => this.#db.write(importModel, { ...piece, metrics, isLast }));
    }
    this.#report.models++;
  };

  /** Copies the files unless they stay where they are, and says where they are now. What fails is reported. */
  async #bringArtifacts(owner: ArtifactOwner, target: string): Promise<string> {
    if (this.#stays(owner.uri)) return owner.uri;
    await this.#attempt(`artifacts of ${owner.kind} ${owner.id}`, async () => {
      const tree = await this.#source.artifacts(owner);
      await copyArtifacts(tree, await this.#places.resolve(target), this.#report.artifacts);
    });
    return target;
  }

  #stays(uri: string): boolean {
    return this.#options.keepArtifactUris && isRemote(uri);
  }

  /** Where copies of the experiment's artifacts go. */
  #folder({ id, artifactLocation }: ImportedExperiment): string {
    return this.#stays(artifactLocation) ? appendToUri(this.#options.artifactRoot, String(id)) : artifactLocation;
  }

  #experiment(sourceId: string): ImportedExperiment {
    const experiment = this.#experiments.get(sourceId);
    if (experiment === undefined) throw invalid('Its experiment is not there, or could not be imported.');
    return experiment;
  }

  async #attempt(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#report.fail(what, error instanceof Error ? error.message : String(error));
    }
  }

  #progress(): void {
    this.#options.onProgress(this.#report, this.#totalRuns);
  }
}

/** Points that travel in one transaction. */
const PIECE = 10_000;

/** Joins small pieces, and says of each whether it is the last; there is at least one, which may be empty. */
async function* pieces<T>(
  source: AsyncIterable<readonly T[]>,
): AsyncGenerator<{ readonly items: readonly T[]; readonly isLast: boolean }> {
  let held: T[] = [];
  for await (const items of source) {
    if (held.length > 0 && held.length + items.length > PIECE) {
      yield { items: held, isLast: false };
      held = [];
    }
    for (const item of items) held.push(item);
  }
  yield { items: held, isLast: true };
}

const digestOf = (value: unknown): string => createHash('sha256').update(encode(value)).digest('base64url');

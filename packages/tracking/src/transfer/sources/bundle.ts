import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Readable, Transform } from 'node:stream';
import { invalid } from '@millrace/core';
import type { MetricPoint } from '../../runs/run.ts';
import type { ArtifactTree } from '../artifact-tree.ts';
import {
  type ArtifactLine,
  artifactFolder,
  type BundleFile,
  type ExperimentLine,
  FORMAT,
  MANIFEST,
  type Manifest,
  type MetricsLine,
  type ModelLine,
  type ModelMetricsLine,
  parseLine,
  type RunLine,
  type Span,
  VERSION,
} from '../bundle-format.ts';
import { hashing } from '../hashing.ts';
import type {
  ArtifactOwner,
  ExperimentRecord,
  ImportSource,
  ModelMetric,
  ModelRecord,
  RunRecord,
  Sourced,
} from '../records.ts';

const RECORDS_AT_ONCE = 200;

/** A folder that `millrace export` wrote. Throws where it is not whole: every file is checked against the manifest. */
export async function openBundle(folder: string): Promise<ImportSource> {
  const manifest = JSON.parse(await readFile(join(folder, MANIFEST), 'utf8')) as Partial<Manifest>;
  if (manifest.format !== FORMAT || manifest.files === undefined) {
    throw invalid(`${join(folder, MANIFEST)} is not the manifest of a bundle that 'millrace export' made.`);
  }
  if (manifest.version !== VERSION) {
    throw invalid(
      `The bundle ${folder} has version ${manifest.version}; this Millrace reads version ${VERSION}: use the one that made it, or a newer one.`,
    );
  }
  for (const { name, sha256 } of Object.values(manifest.files)) await checkFile(join(folder, name), sha256);
  return new Bundle(folder, manifest as Manifest);
}

async function checkFile(path: string, expected: string): Promise<void> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  if (hash.digest('hex') !== expected) throw invalid(`${path} is damaged: it is not the file that was exported.`);
}

class Bundle implements ImportSource {
  readonly title: string;
  readonly fingerprint: string;
  readonly #folder: string;
  readonly #manifest: Manifest;
  readonly #runs = new WeakMap<RunRecord, RunLine>();
  readonly #models = new WeakMap<ModelRecord, ModelLine>();
  /** The artifacts of runs and models whose turn it is. */
  readonly #artifacts = new Map<string, Span>();

  constructor(folder: string, manifest: Manifest) {
    this.title = `the bundle ${folder}`;
    this.fingerprint = `bundle:${manifest.source}`;
    this.#folder = folder;
    this.#manifest = manifest;
  }

  async countRuns(): Promise<number> {
    return this.#manifest.files.runs.lines;
  }

  async *experiments(): AsyncGenerator<ExperimentRecord> {
    for await (const line of this.#lines<ExperimentLine>('experiments')) yield line;
  }

  async *runs(): AsyncGenerator<Sourced<RunRecord>[]> {
    for await (const lines of inBatches(this.#lines<RunLine>('runs'))) {
      this.#artifacts.clear();
      yield lines.map((line) => {
        this.#runs.set(line.record, line);
        this.#artifacts.set(line.record.runUuid, line.artifacts);
        return { record: line.record, state: String(line.metrics.end - line.metrics.start) };
      });
    }
  }

  async *models(): AsyncGenerator<Sourced<ModelRecord>[]> {
    for await (const lines of inBatches(this.#lines<ModelLine>('models'))) {
      this.#artifacts.clear();
      yield lines.map((line) => {
        this.#models.set(line.record, line);
        this.#artifacts.set(line.record.modelId, line.artifacts);
        return { record: line.record, state: String(line.metrics.end - line.metrics.start) };
      });
    }
  }

  async *metrics(run: RunRecord): AsyncGenerator<MetricPoint[]> {
    for await (const { key, points } of this.#lines<MetricsLine>('metrics', this.#runs.get(run)!.metrics)) {
      yield points.map(([step, timestamp, value]) => ({ key, step, timestamp, value: Number(value) }));
    }
  }

  async *modelMetrics(model: ModelRecord): AsyncGenerator<ModelMetric[]> {
    const lines = this.#lines<ModelMetricsLine>('modelMetrics', this.#models.get(model)!.metrics);
    for await (const { key, run, dataset, points } of lines) {
      yield points.map(([step, timestamp, value]) => ({
        key,
        step,
        timestamp,
        value: Number(value),
        runUuid: run,
        dataset_name: dataset[0],
        dataset_digest: dataset[1],
      }));
    }
  }

  async artifacts({ kind, id }: ArtifactOwner): Promise<ArtifactTree> {
    const span = this.#artifacts.get(id)!;
    const digests = new Map<string, string>();
    const lines = this.#lines.bind(this);
    const root = join(this.#folder, artifactFolder(kind, id));
    return {
      async *list() {
        for await (const { path, size, sha256 } of lines<ArtifactLine>('artifacts', span)) {
          digests.set(path, sha256);
          yield { path, size, modified: null };
        }
      },
      open: async (path) => checked(join(root, path), digests.get(path)!),
    };
  }

  async leftOut(): Promise<Map<string, number>> {
    return new Map();
  }

  async close(): Promise<void> {}

  async *#lines<T>(name: BundleFile, span?: Span): AsyncGenerator<T> {
    if (span !== undefined && span.start === span.end) return;
    const range = span === undefined ? {} : { start: span.start, end: span.end - 1 };
    const input = createReadStream(join(this.#folder, this.#manifest.files[name].name), range);
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) yield parseLine<T>(line);
  }
}

/** The file, failing at its end where its digest is another. */
function checked(path: string, expected: string): Readable {
  const digest = hashing();
  const check = new Transform({
    transform: (chunk, _encoding, done) => done(null, chunk),
    flush: (done) =>
      done(
        digest.result().sha256 === expected
          ? null
          : invalid(`${path} is damaged: it is not the file that was exported.`),
      ),
  });
  const file = createReadStream(path, { highWaterMark: 1 << 20 });
  file.on('error', (error) => check.destroy(error));
  check.on('close', () => file.destroy());
  file.pipe(digest.stream).pipe(check);
  return check;
}

async function* inBatches<T>(items: AsyncIterable<T>): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < RECORDS_AT_ONCE) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

import { createHash, type Hash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { invalid } from '@millrace/core';
import type { Database } from '@millrace/db';
import type { ArtifactPlaces } from '../artifacts/artifact-places.ts';
import type { MetricPoint } from '../runs/run.ts';
import { isRemote, storeTree } from './artifact-tree.ts';
import {
  artifactFolder,
  type BundleFile,
  bundleLine,
  bundleValue,
  FILES,
  type FileSummary,
  FORMAT,
  MANIFEST,
  type Manifest,
  type Span,
  VERSION,
} from './bundle-format.ts';
import {
  exportExperiments,
  exportModelMetrics,
  exportModelRows,
  exportModels,
  exportPoints,
  exportRunRows,
  exportRuns,
  identify,
  type ModelMetricCursor,
  type PointCursor,
} from './export.commands.ts';
import { hashing } from './hashing.ts';
import type { ModelMetric } from './records.ts';

const RECORDS_AT_ONCE = 200;
const POINTS_AT_ONCE = 10_000;

export interface ExportOptions {
  readonly folder: string;
  /** Names or ids; none for all. */
  readonly experiments: readonly string[];
  /** Artifacts at locations that clients reach themselves (`s3://…`) are not copied into the bundle. */
  readonly keepArtifactUris: boolean;
  readonly onProgress: (report: ExportReport) => void;
}

export interface ExportReport {
  experiments: number;
  runs: number;
  models: number;
  points: number;
  files: number;
  bytes: number;
}

/** Writes experiments with all that belongs to them into a new folder. */
export async function exportBundle(
  db: Database,
  places: ArtifactPlaces,
  options: ExportOptions,
): Promise<ExportReport> {
  const experiments = await db.search(exportExperiments, options.experiments);
  await makeEmptyFolder(options.folder);
  const bundle = await BundleWriter.open(options.folder);
  const report: ExportReport = { experiments: 0, runs: 0, models: 0, points: 0, files: 0, bytes: 0 };
  try {
    const exporter = new Exporter(db, places, bundle, report, options);
    for (const experiment of experiments) {
      await bundle.append('experiments', experiment);
      await exporter.runs(Number(experiment.id));
      await exporter.models(Number(experiment.id));
      report.experiments++;
    }
    const source = await db.write(identify, { now: Date.now() });
    await bundle.finish(source);
  } finally {
    await bundle.close();
  }
  return report;
}

async function makeEmptyFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0) throw invalid(`The folder ${folder} is not empty: name a new one.`);
}

class Exporter {
  readonly #db: Database;
  readonly #places: ArtifactPlaces;
  readonly #bundle: BundleWriter;
  readonly #report: ExportReport;
  readonly #options: ExportOptions;

  constructor(
    db: Database,
    places: ArtifactPlaces,
    bundle: BundleWriter,
    report: ExportReport,
    options: ExportOptions,
  ) {
    this.#db = db;
    this.#places = places;
    this.#bundle = bundle;
    this.#report = report;
    this.#options = options;
  }

  async runs(experimentId: number): Promise<void> {
    const rowIds = await this.#db.search(exportRunRows, experimentId);
    for (let i = 0; i < rowIds.length; i += RECORDS_AT_ONCE) {
      for (const { rowId, record } of await this.#db.search(exportRuns, rowIds.slice(i, i + RECORDS_AT_ONCE))) {
        const metrics = await this.#bundle.span('metrics', () => this.#points(rowId));
        const artifacts = await this.#artifacts('run', record.runUuid, record.artifactUri);
        await this.#bundle.append('runs', { record, metrics, artifacts });
        this.#report.runs++;
        this.#options.onProgress(this.#report);
      }
    }
  }

  async models(experimentId: number): Promise<void> {
    const rowIds = await this.#db.search(exportModelRows, experimentId);
    for (let i = 0; i < rowIds.length; i += RECORDS_AT_ONCE) {
      for (const { rowId, record } of await this.#db.search(exportModels, rowIds.slice(i, i + RECORDS_AT_ONCE))) {
        const metrics = await this.#bundle.span('modelMetrics', () => this.#modelMetrics(rowId));
        const artifacts = await this.#artifacts('model', record.modelId, record.artifactLocation);
        await this.#bundle.append('models', { record, metrics, artifacts });
        this.#report.models++;
        this.#options.onProgress(this.#report);
      }
    }
  }

  async #points(rowId: number): Promise<void> {
    let after: PointCursor | null = null;
    do {
      const page: { points: MetricPoint[]; next: PointCursor | null } = await this.#db.search(exportPoints, {
        rowId,
        after,
        limit: POINTS_AT_ONCE,
      });
      for (const same of runsOfEqual(page.points, ({ key }) => key)) {
        const points = same.map(({ step, timestamp, value }) => [step, timestamp, bundleValue(value)]);
        await this.#bundle.append('metrics', { key: same[0]!.key, points });
      }
      this.#report.points += page.points.length;
      this.#options.onProgress(this.#report);
      after = page.next;
    } while (after !== null);
  }

  async #modelMetrics(rowId: number): Promise<void> {
    let after: ModelMetricCursor | null = null;
    do {
      const page: { metrics: ModelMetric[]; next: ModelMetricCursor | null } = await this.#db.search(
        exportModelMetrics,
        { rowId, after, limit: POINTS_AT_ONCE },
      );
      const groupOf = ({ key, runUuid, dataset_name, dataset_digest }: ModelMetric) =>
        JSON.stringify([key, runUuid, dataset_name, dataset_digest]);
      for (const same of runsOfEqual(page.metrics, groupOf)) {
        const { key, runUuid, dataset_name = '', dataset_digest = '' } = same[0]!;
        const points = same.map(({ step, timestamp, value }) => [step, timestamp, bundleValue(value)]);
        await this.#bundle.append('modelMetrics', {
          key,
          run: runUuid,
          dataset: [dataset_name, dataset_digest],
          points,
        });
      }
      after = page.next;
    } while (after !== null);
  }

  #artifacts(kind: 'run' | 'model', id: string, uri: string): Promise<Span> {
    return this.#bundle.span('artifacts', async () => {
      if (this.#options.keepArtifactUris && isRemote(uri)) return;
      const { store, folder } = await this.#places.resolve(uri);
      const tree = storeTree(store, folder);
      for await (const file of tree.list()) {
        const body = await tree.open(file.path);
        const { size, sha256 } = await this.#bundle.addFile(`${artifactFolder(kind, id)}/${file.path}`, body);
        await this.#bundle.append('artifacts', { path: file.path, size, sha256 });
        this.#report.files++;
        this.#report.bytes += size;
        this.#options.onProgress(this.#report);
      }
    });
  }
}

/** Neighbours that have the same group. */
function* runsOfEqual<T>(items: readonly T[], groupOf: (item: T) => string): Generator<readonly T[]> {
  for (let start = 0, end = 0; start < items.length; start = end) {
    const group = groupOf(items[start]!);
    while (end < items.length && groupOf(items[end]!) === group) end++;
    yield items.slice(start, end);
  }
}

/** A file of JSON lines with its length and digest. */
interface OpenFile {
  readonly handle: FileHandle;
  readonly hash: Hash;
  bytes: number;
  lines: number;
}

class BundleWriter {
  readonly #folder: string;
  readonly #files: ReadonlyMap<BundleFile, OpenFile>;

  private constructor(folder: string, files: ReadonlyMap<BundleFile, OpenFile>) {
    this.#folder = folder;
    this.#files = files;
  }

  static async open(folder: string): Promise<BundleWriter> {
    const files = new Map<BundleFile, OpenFile>();
    for (const [name, path] of Object.entries(FILES)) {
      const handle = await open(join(folder, path), 'wx');
      files.set(name as BundleFile, { handle, hash: createHash('sha256'), bytes: 0, lines: 0 });
    }
    return new BundleWriter(folder, files);
  }

  async append(name: BundleFile, value: unknown): Promise<void> {
    const file = this.#files.get(name)!;
    const line = Buffer.from(bundleLine(value));
    await file.handle.writeFile(line);
    file.hash.update(line);
    file.bytes += line.byteLength;
    file.lines++;
  }

  /** The bytes that `work` appends to a file. */
  async span(name: BundleFile, work: () => Promise<void>): Promise<Span> {
    const file = this.#files.get(name)!;
    const start = file.bytes;
    await work();
    return { start, end: file.bytes };
  }

  async addFile(path: string, body: NodeJS.ReadableStream): Promise<{ size: number; sha256: string }> {
    const target = join(this.#folder, path);
    await mkdir(dirname(target), { recursive: true });
    const digest = hashing();
    await pipeline(body, digest.stream, createWriteStream(target, { flags: 'wx', flush: true }));
    return digest.result();
  }

  /** Writes the manifest, once everything else is on disk. */
  async finish(source: string): Promise<void> {
    const summaries: [string, FileSummary][] = [];
    for (const [name, { handle, hash, bytes, lines }] of this.#files) {
      await handle.sync();
      summaries.push([name, { name: FILES[name], lines, bytes, sha256: hash.digest('hex') }]);
    }
    const manifest: Manifest = {
      format: FORMAT,
      version: VERSION,
      source,
      created_at: new Date().toISOString(),
      files: Object.fromEntries(summaries) as Manifest['files'],
    };
    await writeFile(join(this.#folder, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`, {
      flag: 'wx',
      flush: true,
    });
  }

  async close(): Promise<void> {
    for (const { handle } of this.#files.values()) await handle.close();
  }
}

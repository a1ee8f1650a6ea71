import { createHash, randomBytes } from 'node:crypto';
import type { Bucket } from '@google-cloud/storage';
import { invalid } from '@millrace/core';
import { type ArtifactPath, TEMP_FOLDER } from '../artifact-path.ts';
import type { UploadedPart } from '../artifact-store.ts';
import { forEachConcurrent } from '../concurrency.ts';
import type { ObjectKeys } from '../object-keys.ts';
import { isMissingObject } from './gcs-errors.ts';

/** What one composition takes. */
const COMPOSED_AT_ONCE = 32;
const REQUESTS_AT_ONCE = 8;

/**
 * Multipart uploads: each part is an object of its own in the stores' own folder, which no listing shows, and completing
 * composes them. The folder's name is bound to the path, so that an upload completes nothing else.
 */
export class ComposedUploads {
  readonly #bucket: Bucket;
  readonly #keys: ObjectKeys;

  constructor(bucket: Bucket, keys: ObjectKeys) {
    this.#bucket = bucket;
    this.#keys = keys;
  }

  newId(): string {
    return randomBytes(16).toString('hex');
  }

  /** The object that takes a part. */
  part(path: ArtifactPath, uploadId: string, partNumber: number) {
    return this.#bucket.file(`${this.#folder(path, uploadId)}part-${partNumber}`);
  }

  async complete(path: ArtifactPath, uploadId: string, parts: readonly UploadedPart[]): Promise<void> {
    let sources = parts.map(({ partNumber }) => this.part(path, uploadId, partNumber));
    for (let round = 1; sources.length > COMPOSED_AT_ONCE; round += 1) {
      const groups = chunked(sources, COMPOSED_AT_ONCE);
      const composed = groups.map((_, index) =>
        this.#bucket.file(`${this.#folder(path, uploadId)}round-${round}-${index}`),
      );
      await forEachConcurrent(groups.keys(), REQUESTS_AT_ONCE, (index) =>
        this.#compose(groups[index]!, composed[index]!),
      );
      sources = composed;
    }
    await this.#compose(sources, this.#bucket.file(this.#keys.of(path)));
    await this.remove(path, uploadId);
  }

  async remove(path: ArtifactPath, uploadId: string): Promise<void> {
    const [files] = await this.#bucket.getFiles({ prefix: this.#folder(path, uploadId) });
    await forEachConcurrent(files, REQUESTS_AT_ONCE, (file) => file.delete({ ignoreNotFound: true }));
  }

  /** Removes parts that have waited for that long. */
  async sweep(olderThanMs: number): Promise<number> {
    const before = Date.now() - olderThanMs;
    const [files] = await this.#bucket.getFiles({ prefix: `${this.#keys.of(TEMP_FOLDER as ArtifactPath)}/` });
    const stale = files.filter(({ metadata }) => new Date(metadata.updated ?? 0).getTime() <= before);
    await forEachConcurrent(stale, REQUESTS_AT_ONCE, (file) => file.delete({ ignoreNotFound: true }));
    return stale.length;
  }

  async #compose(sources: ReturnType<Bucket['file']>[], into: ReturnType<Bucket['file']>): Promise<void> {
    try {
      await this.#bucket.combine(sources, into);
    } catch (error) {
      throw isMissingObject(error) ? invalid('A part of the upload was never received') : error;
    }
  }

  #folder(path: ArtifactPath, uploadId: string): string {
    if (!/^[0-9a-f]{32}$/.test(uploadId))
      throw invalid(`'${uploadId.slice(0, 100)}' is not the id of a multipart upload`);
    const target = createHash('sha256').update(path).digest('hex').slice(0, 32);
    return `${this.#keys.of(`${TEMP_FOLDER}/${uploadId}-${target}` as ArtifactPath)}/`;
  }
}

const chunked = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size));

import { once } from 'node:events';
import type { Bucket, File, FileMetadata } from '@google-cloud/storage';
import { type ArtifactPath, baseName, ROOT, refuseRoot } from '../artifact-path.ts';
import {
  type ArtifactStat,
  type ArtifactStore,
  type Body,
  type ByteRange,
  byName,
  type Entry,
  type MultipartUpload,
  type OpenArtifact,
  type PartCredential,
  resolveRange,
  STALE_AFTER_MS,
  type StoredFile,
  type UploadedPart,
  type WriteOptions,
  type Written,
} from '../artifact-store.ts';
import { checkedChunks } from '../body.ts';
import { forEachConcurrent } from '../concurrency.ts';
import type { Destination } from '../destination.ts';
import { checkPartCount, orderedParts, PART_URL_SECONDS } from '../multipart.ts';
import { attachment, ObjectKeys } from '../object-keys.ts';
import { splitBody, untilAborted } from '../parts.ts';
import { checkByProbe } from '../probe.ts';
import { ComposedUploads } from './composed-upload.ts';
import { createGcsClient, type Env, type GcsClient } from './gcs-client.ts';
import { gcsError, isMissingObject } from './gcs-errors.ts';
import { uploadInSession } from './resumable-upload.ts';

const PART_BYTES = 8 * 1024 * 1024;
const DELETES_AT_ONCE = 16;

type GcsDestination = Extract<Destination, { kind: 'gcs' }>;

export function openGcsStore(destination: GcsDestination, env: Env, pageSize: number): ArtifactStore {
  return new GcsStore(createGcsClient(env), destination, pageSize);
}

class GcsStore implements ArtifactStore {
  readonly uri: string;
  readonly #bucket: Bucket;
  readonly #keys: ObjectKeys;
  readonly #pageSize: number;
  readonly #uploads: ComposedUploads;
  readonly presignGet?: NonNullable<ArtifactStore['presignGet']>;
  readonly presignPut?: NonNullable<ArtifactStore['presignPut']>;
  readonly createMultipart?: NonNullable<ArtifactStore['createMultipart']>;

  constructor({ storage, canSign }: GcsClient, { bucket, prefix }: GcsDestination, pageSize: number) {
    this.#pageSize = pageSize;
    this.uri = `gs://${bucket}/${prefix}`;
    this.#bucket = storage.bucket(bucket);
    this.#keys = new ObjectKeys(prefix);
    this.#uploads = new ComposedUploads(this.#bucket, this.#keys);
    if (canSign) {
      this.presignGet = this.#presignGet.bind(this);
      this.presignPut = this.#presignPut.bind(this);
      this.createMultipart = this.#createMultipart.bind(this);
    }
  }

  write(path: ArtifactPath, body: Body, options: WriteOptions = {}): Promise<Written> {
    return this.#guarded(path, () =>
      untilAborted(path, options, async (signal) => {
        refuseRoot(path);
        const file = this.#file(path);
        const { only, parts } = await splitBody(checkedChunks(path, body, options), PART_BYTES);
        if (only === undefined) {
          const { size, generation } = await uploadInSession(file, parts, signal);
          return { size, etag: etagOf(generation) };
        }
        await file.save(only, { resumable: false, validation: false });
        return { size: only.byteLength, etag: etagOf(file.metadata.generation) };
      }),
    );
  }

  open(path: ArtifactPath, { range }: { range?: ByteRange | undefined } = {}): Promise<OpenArtifact> {
    return this.#guarded(path, async () => {
      refuseRoot(path);
      const [metadata] = await this.#file(path).getMetadata();
      const stat = statOf(metadata);
      // This very content, even when the object is replaced meanwhile.
      const file = this.#bucket.file(this.#keys.of(path), { generation: String(metadata.generation) });
      const bytes = resolveRange(range, stat.size);
      const stream = file.createReadStream({ ...bytes, validation: false, decompress: false });
      await once(stream, 'readable');
      return { ...stat, stream };
    });
  }

  stat(path: ArtifactPath): Promise<ArtifactStat> {
    return this.#guarded(path, async () => {
      refuseRoot(path);
      const [metadata] = await this.#file(path).getMetadata();
      return statOf(metadata);
    });
  }

  list(folder: ArtifactPath): Promise<Entry[]> {
    return this.#guarded(folder, async () => {
      const entries: Entry[] = [];
      for await (const { files, folders } of this.#pages(this.#keys.below(folder), '/')) {
        const objects = files.map(({ name, metadata }) => ({ key: name, size: Number(metadata.size ?? 0) }));
        entries.push(...this.#keys.entries(folder, objects, folders));
      }
      if (entries.length > 0 || folder === ROOT) return entries.sort(byName);
      const file = await this.#find(folder);
      return file === undefined ? [] : [{ name: baseName(folder), isDir: false, size: file.size }];
    });
  }

  async *listRecursive(prefix: ArtifactPath): AsyncGenerator<StoredFile> {
    const file = prefix === ROOT ? undefined : await this.#guarded(prefix, () => this.#find(prefix));
    if (file !== undefined) yield { path: prefix, size: file.size, lastModified: file.lastModified };
    const pages = this.#pages(this.#keys.below(prefix));
    for (;;) {
      const page = await this.#guarded(prefix, () => pages.next());
      if (page.done) return;
      for (const { name, metadata } of page.value.files) {
        const { size, lastModified } = statOf(metadata);
        if (this.#keys.isArtifact(name)) yield { path: this.#keys.path(name), size, lastModified };
      }
    }
  }

  delete(path: ArtifactPath): Promise<void> {
    return this.#guarded(path, async () => {
      refuseRoot(path);
      await this.removeTree(path);
    });
  }

  removeTree(prefix: ArtifactPath): Promise<void> {
    return this.#guarded(prefix, async () => {
      const remove = (file: File) => file.delete({ ignoreNotFound: true });
      for await (const { files } of this.#pages(this.#keys.below(prefix))) {
        await forEachConcurrent(files, DELETES_AT_ONCE, remove);
      }
      if (prefix !== ROOT) await remove(this.#file(prefix));
    });
  }

  completeMultipart(path: ArtifactPath, uploadId: string, parts: readonly UploadedPart[]): Promise<void> {
    return this.#guarded(path, () => this.#uploads.complete(path, uploadId, orderedParts(parts)));
  }

  abortMultipart(path: ArtifactPath, uploadId: string): Promise<void> {
    return this.#guarded(path, () => this.#uploads.remove(path, uploadId));
  }

  sweep(olderThanMs: number = STALE_AFTER_MS): Promise<number> {
    return this.#guarded(ROOT, () => this.#uploads.sweep(olderThanMs));
  }

  check(): Promise<void> {
    return checkByProbe(this);
  }

  async close(): Promise<void> {}

  #file(path: ArtifactPath): File {
    return this.#bucket.file(this.#keys.of(path));
  }

  async #guarded<T>(path: ArtifactPath, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw gcsError(error, this.#bucket.name, this.uri, path);
    }
  }

  #presignGet(path: ArtifactPath, ttlSeconds: number, filename: string): Promise<string> {
    return this.#sign(this.#file(path), 'read', ttlSeconds, attachment(filename));
  }

  async #presignPut(path: ArtifactPath, ttlSeconds: number): Promise<PartCredential> {
    refuseRoot(path);
    return { url: await this.#sign(this.#file(path), 'write', ttlSeconds), partNumber: 1, headers: {} };
  }

  async #createMultipart(path: ArtifactPath, parts: number): Promise<MultipartUpload> {
    refuseRoot(path);
    checkPartCount(parts);
    const uploadId = this.#uploads.newId();
    const numbers = Array.from({ length: parts }, (_, index) => index + 1);
    const sign = async (partNumber: number) => {
      const url = await this.#sign(this.#uploads.part(path, uploadId, partNumber), 'write', PART_URL_SECONDS);
      return { url, partNumber, headers: {} };
    };
    return { uploadId, credentials: await Promise.all(numbers.map(sign)) };
  }

  async #sign(file: File, action: 'read' | 'write', ttlSeconds: number, responseDisposition?: string): Promise<string> {
    const expires = Date.now() + ttlSeconds * 1000;
    const disposition = responseDisposition === undefined ? {} : { responseDisposition };
    const [url] = await file.getSignedUrl({ version: 'v4', action, expires, ...disposition });
    return url;
  }

  async #find(path: ArtifactPath): Promise<ArtifactStat | undefined> {
    try {
      const [metadata] = await this.#file(path).getMetadata();
      return statOf(metadata);
    } catch (error) {
      if (isMissingObject(error)) return undefined;
      throw error;
    }
  }

  async *#pages(prefix: string, delimiter?: string): AsyncGenerator<{ files: File[]; folders: readonly string[] }> {
    let pageToken: string | undefined;
    do {
      const query = { prefix, autoPaginate: false, maxResults: this.#pageSize };
      const [files, next, answer] = await this.#bucket.getFiles({
        ...query,
        ...(delimiter === undefined ? {} : { delimiter }),
        ...(pageToken === undefined ? {} : { pageToken }),
      });
      yield { files, folders: (answer as { prefixes?: string[] }).prefixes ?? [] };
      pageToken = (next as { pageToken?: string } | null)?.pageToken;
    } while (pageToken !== undefined);
  }
}

/** A generation is one content of an object. */
const etagOf = (generation: string | number | undefined): string => `"${generation ?? ''}"`;

const statOf = ({ size = 0, generation, updated }: FileMetadata): ArtifactStat => ({
  size: Number(size),
  etag: etagOf(generation),
  lastModified: new Date(updated ?? 0),
});

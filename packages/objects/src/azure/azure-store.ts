import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  BlobSASPermissions,
  type BlobServiceClient,
  type BlockBlobClient,
  type ContainerClient,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { invalid } from '@millrace/core';
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
  rangeHeader,
  type StoredFile,
  type UploadedPart,
  unsatisfiableRange,
  type WriteOptions,
  type Written,
} from '../artifact-store.ts';
import { checkedChunks } from '../body.ts';
import { forEachConcurrent } from '../concurrency.ts';
import { checkPartCount, orderedParts, PART_URL_SECONDS } from '../multipart.ts';
import { attachment, ObjectKeys } from '../object-keys.ts';
import { sendParts, splitBody, untilAborted } from '../parts.ts';
import { checkByProbe } from '../probe.ts';
import { type AzureDestination, createAzureClient, type Env } from './azure-client.ts';
import { azureError, isMissingBlob } from './azure-errors.ts';

const BLOCK_BYTES = 8 * 1024 * 1024;
const MAX_BLOCKS = 50_000;
const BLOCKS_IN_FLIGHT = 2;
const DELETES_AT_ONCE = 16;

export function openAzureStore(destination: AzureDestination, env: Env, pageSize: number): ArtifactStore {
  return new AzureStore(createAzureClient(destination, env), destination, pageSize);
}

class AzureStore implements ArtifactStore {
  readonly uri: string;
  readonly #container: ContainerClient;
  readonly #keys: ObjectKeys;
  readonly #pageSize: number;
  /** Only an account's key signs; a shared access signature signs nothing further. */
  readonly presignGet?: NonNullable<ArtifactStore['presignGet']>;
  readonly presignPut?: NonNullable<ArtifactStore['presignPut']>;
  readonly createMultipart?: NonNullable<ArtifactStore['createMultipart']>;

  constructor(client: BlobServiceClient, { container, host, prefix }: AzureDestination, pageSize: number) {
    this.#pageSize = pageSize;
    this.uri = `wasbs://${container}@${host}/${prefix}`;
    this.#container = client.getContainerClient(container);
    this.#keys = new ObjectKeys(prefix);
    if (client.credential instanceof StorageSharedKeyCredential) {
      this.presignGet = this.#presignGet.bind(this);
      this.presignPut = this.#presignPut.bind(this);
      this.createMultipart = this.#createMultipart.bind(this);
    }
  }

  write(path: ArtifactPath, body: Body, options: WriteOptions = {}): Promise<Written> {
    return this.#guarded(path, () =>
      untilAborted(path, options, async (abortSignal) => {
        refuseRoot(path);
        const blob = this.#blob(path);
        const { only, parts } = await splitBody(checkedChunks(path, body, options), blockBytes(options.contentLength));
        if (only !== undefined) {
          const { etag } = await blob.upload(only, only.byteLength, { abortSignal });
          return { size: only.byteLength, etag };
        }
        const upload = newUploadId();
        const { sent, size } = await sendParts(parts, BLOCKS_IN_FLIGHT, abortSignal, async (part, number, signal) => {
          const id = blockId(upload, number);
          await blob.stageBlock(id, part, part.byteLength, { abortSignal: signal });
          return id;
        });
        const { etag } = await blob.commitBlockList(sent, { abortSignal });
        return { size, etag };
      }),
    );
  }

  open(path: ArtifactPath, { range }: { range?: ByteRange | undefined } = {}): Promise<OpenArtifact> {
    return this.#guarded(path, async () => {
      refuseRoot(path);
      rangeHeader(range);
      const count = range?.end === undefined ? undefined : range.end - range.start + 1;
      const answer = await this.#blob(path).download(range?.start, count);
      const size = Number(answer.contentRange?.split('/')[1] ?? answer.contentLength ?? 0);
      const stream = answer.readableStreamBody;
      if (!(stream instanceof Readable)) throw new TypeError('the Azure client gave no stream');
      if (range !== undefined && range.start >= size) {
        stream.destroy();
        throw unsatisfiableRange(range, size);
      }
      return { ...statOf(answer), size, stream };
    });
  }

  stat(path: ArtifactPath): Promise<ArtifactStat> {
    return this.#guarded(path, async () => {
      refuseRoot(path);
      return statOf(await this.#blob(path).getProperties());
    });
  }

  list(folder: ArtifactPath): Promise<Entry[]> {
    return this.#guarded(folder, async () => {
      const entries: Entry[] = [];
      const query = { prefix: this.#keys.below(folder), includeMetadata: true };
      for await (const { segment } of this.#container
        .listBlobsByHierarchy('/', query)
        .byPage({ maxPageSize: this.#pageSize })) {
        const blobs = segment.blobItems
          .filter(({ metadata }) => !isFolderMarker(metadata))
          .map(({ name, properties }) => ({
            key: name,
            size: properties.contentLength ?? 0,
          }));
        const prefixes = (segment.blobPrefixes ?? []).map(({ name }) => name);
        entries.push(...this.#keys.entries(folder, blobs, prefixes));
      }
      if (entries.length > 0 || folder === ROOT) return entries.sort(byName);
      const file = await this.#find(folder);
      return file === undefined ? [] : [{ name: baseName(folder), isDir: false, size: file.size }];
    });
  }

  async *listRecursive(prefix: ArtifactPath): AsyncGenerator<StoredFile> {
    const file = prefix === ROOT ? undefined : await this.#guarded(prefix, () => this.#find(prefix));
    if (file !== undefined) yield { path: prefix, size: file.size, lastModified: file.lastModified };
    const blobs = this.#below(prefix);
    for (;;) {
      const blob = await this.#guarded(prefix, () => blobs.next());
      if (blob.done) return;
      const { key, size, lastModified, isFolder } = blob.value;
      if (!isFolder && this.#keys.isArtifact(key)) yield { path: this.#keys.path(key), size, lastModified };
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
      const folders: string[] = [];
      const remove = (key: string) => this.#container.getBlobClient(key).deleteIfExists({ deleteSnapshots: 'include' });
      await forEachConcurrent(this.#below(prefix), DELETES_AT_ONCE, async ({ key, isFolder }) => {
        if (isFolder) folders.push(key);
        else await remove(key);
      });
      // An account with a hierarchical namespace has real folders, to be emptied from the inside out.
      for (const key of folders.sort().reverse()) await remove(key);
      if (prefix !== ROOT) await remove(this.#keys.of(prefix));
    });
  }

  completeMultipart(path: ArtifactPath, uploadId: string, parts: readonly UploadedPart[]): Promise<void> {
    return this.#guarded(path, async () => {
      checkUploadId(uploadId);
      const ids = orderedParts(parts).map(({ partNumber }) => blockId(uploadId, partNumber));
      await this.#blob(path).commitBlockList(ids);
    });
  }

  /** Blocks that were never committed are Azure's to remove, after a week. */
  async abortMultipart(_path: ArtifactPath, uploadId: string): Promise<void> {
    checkUploadId(uploadId);
  }

  check(): Promise<void> {
    return checkByProbe(this);
  }

  async close(): Promise<void> {}

  #blob(path: ArtifactPath): BlockBlobClient {
    return this.#container.getBlockBlobClient(this.#keys.of(path));
  }

  async #guarded<T>(path: ArtifactPath, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw azureError(error, this.#container.containerName, this.uri, path);
    }
  }

  #presignGet(path: ArtifactPath, ttlSeconds: number, filename: string): Promise<string> {
    return this.#sign(path, 'r', ttlSeconds, attachment(filename));
  }

  async #presignPut(path: ArtifactPath, ttlSeconds: number): Promise<PartCredential> {
    refuseRoot(path);
    return { url: await this.#sign(path, 'cw', ttlSeconds), partNumber: 1, headers: { 'x-ms-blob-type': 'BlockBlob' } };
  }

  async #createMultipart(path: ArtifactPath, parts: number): Promise<MultipartUpload> {
    refuseRoot(path);
    checkPartCount(parts);
    const uploadId = newUploadId();
    const signed = await this.#sign(path, 'cw', PART_URL_SECONDS);
    const credentials = Array.from({ length: parts }, (_, index) => {
      const id = encodeURIComponent(blockId(uploadId, index + 1));
      return { url: `${signed}&comp=block&blockid=${id}`, partNumber: index + 1, headers: {} };
    });
    return { uploadId, credentials };
  }

  #sign(path: ArtifactPath, permissions: string, ttlSeconds: number, contentDisposition?: string): Promise<string> {
    return this.#blob(path).generateSasUrl({
      permissions: BlobSASPermissions.parse(permissions),
      expiresOn: new Date(Date.now() + ttlSeconds * 1000),
      ...(contentDisposition === undefined ? {} : { contentDisposition }),
    });
  }

  async #find(path: ArtifactPath): Promise<ArtifactStat | undefined> {
    try {
      const properties = await this.#blob(path).getProperties();
      return isFolderMarker(properties.metadata) ? undefined : statOf(properties);
    } catch (error) {
      if (isMissingBlob(error)) return undefined;
      throw error;
    }
  }

  async *#below(prefix: ArtifactPath) {
    const query = { prefix: this.#keys.below(prefix), includeMetadata: true };
    for await (const { segment } of this.#container.listBlobsFlat(query).byPage({ maxPageSize: this.#pageSize })) {
      for (const { name, properties, metadata } of segment.blobItems) {
        const { contentLength = 0, lastModified } = properties;
        yield { key: name, size: contentLength, lastModified, isFolder: isFolderMarker(metadata) };
      }
    }
  }
}

/** Blocks of 8 MiB, or larger ones where 50,000 of them would not hold the body. */
const blockBytes = (contentLength = 0): number => Math.max(BLOCK_BYTES, Math.ceil(contentLength / MAX_BLOCKS));

const newUploadId = (): string => randomBytes(16).toString('hex');

function checkUploadId(uploadId: string): void {
  if (!/^[0-9a-f]{32}$/.test(uploadId))
    throw invalid(`'${uploadId.slice(0, 100)}' is not the id of a multipart upload`);
}

/** Blocks wait beside the blob: each upload names its own, all in the same length, as Azure asks. */
const blockId = (uploadId: string, partNumber: number): string =>
  Buffer.from(`${uploadId}-${String(partNumber).padStart(6, '0')}`).toString('base64');

const isFolderMarker = (metadata: Readonly<Record<string, string>> | undefined): boolean =>
  metadata?.hdi_isfolder === 'true';

const statOf = ({
  contentLength = 0,
  etag = '',
  lastModified = new Date(0),
}: {
  contentLength?: number | undefined;
  etag?: string | undefined;
  lastModified?: Date | undefined;
}): ArtifactStat => ({ size: contentLength, etag, lastModified });

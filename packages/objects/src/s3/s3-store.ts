import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
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
  type WriteOptions,
  type Written,
} from '../artifact-store.ts';
import { checkedChunks } from '../body.ts';
import type { Destination } from '../destination.ts';
import { checkPartCount, MAX_PARTS, orderedParts, PART_URL_SECONDS } from '../multipart.ts';
import { attachment, ObjectKeys } from '../object-keys.ts';
import { sendParts, splitBody, untilAborted } from '../parts.ts';
import { checkByProbe } from '../probe.ts';
import { createS3Client, type Env, uploadExtras } from './s3-client.ts';
import { isMissing, s3Error } from './s3-errors.ts';

const PART_BYTES = 8 * 1024 * 1024;
const PARTS_IN_FLIGHT = 2;
/** What one DeleteObjects takes. */
const DELETE_BATCH = 1000;

type S3Destination = Extract<Destination, { kind: 's3' }>;

export function openS3Store(destination: S3Destination, env: Env, pageSize: number): ArtifactStore {
  return new S3Store(createS3Client(env), destination, uploadExtras(env), pageSize);
}

class S3Store implements ArtifactStore {
  readonly uri: string;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #keys: ObjectKeys;
  readonly #pageSize: number;
  readonly #extras: Readonly<Record<string, string>>;

  constructor(
    client: S3Client,
    { bucket, prefix }: S3Destination,
    extras: Readonly<Record<string, string>>,
    pageSize: number,
  ) {
    this.#pageSize = pageSize;
    this.uri = `s3://${bucket}/${prefix}`;
    this.#client = client;
    this.#bucket = bucket;
    this.#keys = new ObjectKeys(prefix);
    this.#extras = extras;
  }

  write(path: ArtifactPath, body: Body, options: WriteOptions = {}): Promise<Written> {
    return this.#guarded(path, () =>
      untilAborted(path, options, async (abortSignal) => {
        refuseRoot(path);
        const { only, parts } = await splitBody(checkedChunks(path, body, options), partBytes(options.contentLength));
        if (only === undefined) return await this.#writeParts(path, parts, abortSignal);
        const put = new PutObjectCommand({ ...this.#at(path), ...this.#extras, Body: only });
        const { ETag } = await this.#client.send(put, { abortSignal });
        return { size: only.byteLength, etag: ETag };
      }),
    );
  }

  open(path: ArtifactPath, { range }: { range?: ByteRange | undefined } = {}): Promise<OpenArtifact> {
    return this.#guarded(path, async () => {
      refuseRoot(path);
      const answer = await this.#client.send(new GetObjectCommand({ ...this.#at(path), Range: rangeHeader(range) }));
      const size = Number(answer.ContentRange?.split('/')[1] ?? answer.ContentLength ?? 0);
      if (!(answer.Body instanceof Readable)) throw new TypeError('the S3 client gave no stream');
      return { ...statOf({ ...answer, ContentLength: size }), stream: answer.Body };
    });
  }

  stat(path: ArtifactPath): Promise<ArtifactStat> {
    return this.#guarded(path, async () => {
      refuseRoot(path);
      return statOf(await this.#client.send(new HeadObjectCommand(this.#at(path))));
    });
  }

  list(folder: ArtifactPath): Promise<Entry[]> {
    return this.#guarded(folder, async () => {
      const entries: Entry[] = [];
      for await (const page of this.#pages(this.#keys.below(folder), '/')) {
        const prefixes = (page.CommonPrefixes ?? []).map(({ Prefix = '' }) => Prefix);
        entries.push(...this.#keys.entries(folder, objectsOf(page), prefixes));
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
      for (const { key, size, lastModified } of objectsOf(page.value)) {
        if (this.#keys.isArtifact(key)) yield { path: this.#keys.path(key), size, lastModified };
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
      for await (const page of this.#pages(this.#keys.below(prefix))) await this.#deleteAll(objectsOf(page));
      if (prefix !== ROOT) await this.#client.send(new DeleteObjectCommand(this.#at(prefix)));
    });
  }

  presignGet(path: ArtifactPath, ttlSeconds: number, filename: string): Promise<string> {
    return this.#guarded(path, () => {
      const get = new GetObjectCommand({ ...this.#at(path), ResponseContentDisposition: attachment(filename) });
      return getSignedUrl(this.#client, get, { expiresIn: ttlSeconds });
    });
  }

  presignPut(path: ArtifactPath, ttlSeconds: number): Promise<PartCredential> {
    return this.#guarded(path, async () => {
      refuseRoot(path);
      const url = await getSignedUrl(this.#client, new PutObjectCommand(this.#at(path)), { expiresIn: ttlSeconds });
      return { url, partNumber: 1, headers: {} };
    });
  }

  createMultipart(path: ArtifactPath, parts: number): Promise<MultipartUpload> {
    return this.#guarded(path, async () => {
      refuseRoot(path);
      checkPartCount(parts);
      const uploadId = await this.#createUpload(path);
      const numbers = Array.from({ length: parts }, (_, index) => index + 1);
      const credentials = await Promise.all(
        numbers.map(async (partNumber) => {
          const part = new UploadPartCommand({ ...this.#at(path), UploadId: uploadId, PartNumber: partNumber });
          const url = await getSignedUrl(this.#client, part, { expiresIn: PART_URL_SECONDS });
          return { url, partNumber, headers: {} };
        }),
      );
      return { uploadId, credentials };
    });
  }

  completeMultipart(path: ArtifactPath, uploadId: string, parts: readonly UploadedPart[]): Promise<void> {
    return this.#guarded(path, async () => {
      await this.#completeUpload(path, uploadId, orderedParts(parts));
    });
  }

  abortMultipart(path: ArtifactPath, uploadId: string): Promise<void> {
    return this.#guarded(path, async () => {
      await this.#client.send(new AbortMultipartUploadCommand({ ...this.#at(path), UploadId: uploadId }));
    });
  }

  check(): Promise<void> {
    return checkByProbe(this);
  }

  async close(): Promise<void> {
    this.#client.destroy();
  }

  #at(path: ArtifactPath) {
    return { Bucket: this.#bucket, Key: this.#keys.of(path) };
  }

  async #guarded<T>(path: ArtifactPath, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw s3Error(error, this.#bucket, this.uri, path);
    }
  }

  async #writeParts(path: ArtifactPath, parts: AsyncIterable<Buffer>, signal: AbortSignal): Promise<Written> {
    const uploadId = await this.#createUpload(path);
    try {
      const { sent, size } = await sendParts(parts, PARTS_IN_FLIGHT, signal, async (part, partNumber, abortSignal) => {
        const upload = { ...this.#at(path), UploadId: uploadId, PartNumber: partNumber, Body: part };
        const { ETag = '' } = await this.#client.send(new UploadPartCommand(upload), { abortSignal });
        return { partNumber, etag: ETag };
      });
      return { size, etag: await this.#completeUpload(path, uploadId, sent) };
    } catch (error) {
      // What even this leaves behind, the bucket's own rule for unfinished uploads removes.
      await this.abortMultipart(path, uploadId).catch(() => {});
      throw error;
    }
  }

  async #createUpload(path: ArtifactPath): Promise<string> {
    const { UploadId } = await this.#client.send(
      new CreateMultipartUploadCommand({ ...this.#at(path), ...this.#extras }),
    );
    if (UploadId === undefined) throw new TypeError('the S3 server named no upload');
    return UploadId;
  }

  async #completeUpload(path: ArtifactPath, uploadId: string, parts: readonly UploadedPart[]) {
    const Parts = parts.map(({ partNumber, etag }) => ({ PartNumber: partNumber, ETag: etag }));
    const complete = { ...this.#at(path), UploadId: uploadId, MultipartUpload: { Parts } };
    return (await this.#client.send(new CompleteMultipartUploadCommand(complete))).ETag;
  }

  async #find(path: ArtifactPath): Promise<ArtifactStat | undefined> {
    try {
      return statOf(await this.#client.send(new HeadObjectCommand(this.#at(path))));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async *#pages(prefix: string, delimiter?: string): AsyncGenerator<ListObjectsV2CommandOutput> {
    let token: string | undefined;
    do {
      const query = {
        Bucket: this.#bucket,
        Prefix: prefix,
        Delimiter: delimiter,
        MaxKeys: this.#pageSize,
        ContinuationToken: token,
      };
      const page = await this.#client.send(new ListObjectsV2Command(query));
      yield page;
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  async #deleteAll(objects: readonly { key: string }[]): Promise<void> {
    for (let from = 0; from < objects.length; from += DELETE_BATCH) {
      const Objects = objects.slice(from, from + DELETE_BATCH).map(({ key }) => ({ Key: key }));
      const { Errors = [] } = await this.#client.send(
        new DeleteObjectsCommand({ Bucket: this.#bucket, Delete: { Objects, Quiet: true } }),
      );
      const [first] = Errors;
      if (first !== undefined) throw Object.assign(new Error(first.Message ?? first.Code), { name: first.Code });
    }
  }
}

/** Parts of 8 MiB, or larger ones where 10,000 of them would not hold the body. */
const partBytes = (contentLength = 0): number => Math.max(PART_BYTES, Math.ceil(contentLength / MAX_PARTS));

const objectsOf = (page: ListObjectsV2CommandOutput) =>
  (page.Contents ?? []).map(({ Key = '', Size = 0, LastModified = new Date(0) }) => ({
    key: Key,
    size: Size,
    lastModified: LastModified,
  }));

const statOf = ({
  ContentLength = 0,
  ETag = '',
  LastModified = new Date(0),
}: {
  ContentLength?: number | undefined;
  ETag?: string | undefined;
  LastModified?: Date | undefined;
}): ArtifactStat => ({ size: ContentLength, etag: ETag, lastModified: LastModified });

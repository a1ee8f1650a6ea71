import type { Readable } from 'node:stream';
import { DomainError, missing } from '@millrace/core';
import type { ArtifactPath } from './artifact-path.ts';

/** What an upload reads from. A store never destroys it: on failure the caller drains or closes it. */
export type Body = Readable | AsyncIterable<Uint8Array>;

export interface WriteOptions {
  /** Bytes that must arrive: fewer or more fail the write with BAD_REQUEST. */
  readonly contentLength?: number | undefined;
  /** Aborting fails the write with CANCELLED and stores nothing. */
  readonly signal?: AbortSignal | undefined;
}

export interface Written {
  readonly size: number;
  /** As the ETag header has it, quotes included. */
  readonly etag?: string | undefined;
}

/** Byte positions as in a Range header: both inclusive, `end` absent for the rest. */
export interface ByteRange {
  readonly start: number;
  readonly end?: number | undefined;
}

export interface ArtifactStat {
  /** Bytes of the whole object, whatever range is read. */
  readonly size: number;
  /** As the ETag header has it, quotes included; changes with the content. */
  readonly etag: string;
  readonly lastModified: Date;
}

/** An object being read. The caller consumes or destroys the stream, which holds its connection or file. */
export interface OpenArtifact extends ArtifactStat {
  readonly stream: Readable;
}

export interface Entry {
  /** One segment, without its folder. */
  readonly name: string;
  readonly isDir: boolean;
  /** Bytes; 0 for a folder. */
  readonly size: number;
}

export const byName = (a: Entry, b: Entry): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

export interface StoredFile {
  readonly path: ArtifactPath;
  readonly size: number;
  readonly lastModified: Date;
}

export interface PartCredential {
  readonly url: string;
  /** Counted from 1. */
  readonly partNumber: number;
  readonly headers: Readonly<Record<string, string>>;
}

export interface MultipartUpload {
  readonly uploadId: string;
  /** Where the client PUTs each part; null when the server itself takes the parts, through `writePart`. */
  readonly credentials: readonly PartCredential[] | null;
}

export interface UploadedPart {
  readonly partNumber: number;
  readonly etag: string;
}

/**
 * Where artifacts live. An object is whole or absent: no abort, error or crash leaves part of one, and an overwrite that fails
 * leaves the old object. What a caller can act on is thrown as a DomainError; optional methods are absent where the
 * backend cannot do them.
 */
export interface ArtifactStore {
  /** The destination in words for people and logs, without secrets. */
  readonly uri: string;

  /** Stores the body durably, replacing what is there. */
  write(path: ArtifactPath, body: Body, options?: WriteOptions): Promise<Written>;
  /** Missing: RESOURCE_DOES_NOT_EXIST. A range that starts past the end: status 416. */
  open(path: ArtifactPath, options?: { readonly range?: ByteRange | undefined }): Promise<OpenArtifact>;
  stat(path: ArtifactPath): Promise<ArtifactStat>;
  /** The folder's entries by name; a file lists as itself; what does not exist lists as nothing. */
  list(folder: ArtifactPath): Promise<Entry[]>;
  /** Every file at or below `prefix`, in no promised order. */
  listRecursive(prefix: ArtifactPath): AsyncIterable<StoredFile>;
  /** Removes a file or a whole folder; nothing there is fine. The root is refused. */
  delete(path: ArtifactPath): Promise<void>;
  /** Removes everything at and below `prefix`, which may be the root: for garbage collection, never for a client. */
  removeTree(prefix: ArtifactPath): Promise<void>;

  /** A URL that downloads the object for `ttlSeconds` as an attachment named `filename`. */
  presignGet?(path: ArtifactPath, ttlSeconds: number, filename: string): Promise<string>;
  presignPut?(path: ArtifactPath, ttlSeconds: number): Promise<PartCredential>;

  createMultipart?(path: ArtifactPath, parts: number): Promise<MultipartUpload>;
  writePart?(uploadId: string, partNumber: number, body: Body, options?: WriteOptions): Promise<{ etag: string }>;
  completeMultipart?(path: ArtifactPath, uploadId: string, parts: readonly UploadedPart[]): Promise<void>;
  abortMultipart?(path: ArtifactPath, uploadId: string): Promise<void>;

  /** Removes what crashed writers left and uploads nobody finished, untouched for that long; says how many. */
  sweep?(olderThanMs?: number): Promise<number>;
  /** Lists, writes, reads and deletes a probe; throws in words an operator can act on. */
  check(): Promise<void>;
  close(): Promise<void>;
}

export const STALE_AFTER_MS = 60 * 60 * 1000;

export const noSuchArtifact = (path: ArtifactPath) => missing(`No such artifact: '${path}'`);

/** The bytes that a range selects in an object of `size`, both ends inclusive; throws status 416 when it selects none. */
export function resolveRange(range: ByteRange | undefined, size: number): { start: number; end: number } | undefined {
  if (range === undefined) return undefined;
  const { start, end = size - 1 } = range;
  if (start >= size || start < 0 || end < start) throw unsatisfiableRange(range, size);
  return { start, end: Math.min(end, size - 1) };
}

/** The range as a request's Range header, for stores that resolve it themselves; throws status 416 when no object has it. */
export function rangeHeader(range: ByteRange | undefined): string | undefined {
  if (range === undefined) return undefined;
  const { start, end } = range;
  if (start < 0 || (end !== undefined && end < start)) throw unsatisfiableRange(range);
  return `bytes=${start}-${end ?? ''}`;
}

export function unsatisfiableRange({ start, end }: ByteRange, size?: number): DomainError {
  const of = size === undefined ? '' : ` of ${size} bytes`;
  return new DomainError('INVALID_PARAMETER_VALUE', `Range ${start}-${end ?? ''} selects nothing in an artifact${of}`, {
    status: 416,
  });
}

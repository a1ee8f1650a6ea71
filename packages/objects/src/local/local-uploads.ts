import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { invalid, missing } from '@millrace/core';
import type { ArtifactPath } from '../artifact-path.ts';
import type { UploadedPart } from '../artifact-store.ts';
import { checkPartNumber } from '../multipart.ts';
import { createFile, etagOf, io, openFile } from './file-io.ts';
import { errorCode, isAbsent } from './local-errors.ts';

const PREFIX = 'upload-';
const TARGET = 'target';
const DONE = 'done';
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Multipart uploads of a local store: a folder each below the temp folder, so that any server on the same mount can take a part
 * and a crash leaves only what the sweep removes. The folder names the artifact it was made for and serves no other.
 */
export class LocalUploads {
  readonly #temp: string;

  constructor(temp: string) {
    this.#temp = temp;
  }

  async create(path: ArtifactPath): Promise<string> {
    const uploadId = randomUUID();
    const folder = this.#folder(uploadId);
    await mkdir(folder, { mode: 0o700 });
    await createFile(`${folder}/${TARGET}`, bytes(path));
    return uploadId;
  }

  /** Stores one part whole; the last writer of a number wins. */
  async writePart(uploadId: string, partNumber: number, chunks: AsyncIterable<Uint8Array>): Promise<string> {
    const part = this.#part(uploadId, partNumber);
    const temp = `${part}.${randomUUID()}`;
    try {
      const stat = await createFile(temp, chunks);
      await io.rename(temp, part);
      return etagOf(stat);
    } catch (error) {
      throw isAbsent(error) ? noSuchUpload(uploadId) : error;
    }
  }

  /** The path that the upload was created for; unknown: RESOURCE_DOES_NOT_EXIST. */
  async target(uploadId: string): Promise<ArtifactPath> {
    try {
      return (await readFile(`${this.#folder(uploadId)}/${TARGET}`, 'utf8')) as ArtifactPath;
    } catch (error) {
      throw isAbsent(error) ? noSuchUpload(uploadId) : error;
    }
  }

  /** Whether the upload was completed before: a client that missed the answer asks again. */
  async isDone(uploadId: string): Promise<boolean> {
    return (await readdir(this.#folder(uploadId))).includes(DONE);
  }

  /** The parts' bytes, one after the other, once every part is there and is the one that its etag names. */
  async content(
    uploadId: string,
    parts: readonly UploadedPart[],
  ): Promise<{ chunks: AsyncIterable<Uint8Array>; size: number }> {
    const files: string[] = [];
    let size = 0;
    for (const { partNumber, etag } of parts) {
      const path = this.#part(uploadId, partNumber);
      const file = await openFile(path).catch((error) => {
        if (isAbsent(error)) return undefined;
        throw error;
      });
      if (file === undefined) throw invalid(`Part ${partNumber} of the upload was never received`);
      await io.close(file.fd);
      if (etagOf(file.stat) !== etag) throw invalid(`Part ${partNumber} of the upload has another etag than ${etag}`);
      files.push(path);
      size += Number(file.stat.size);
    }
    return { chunks: concatenated(files), size };
  }

  /** Forgets the parts but keeps word that the upload was completed, until the sweep. */
  async finish(uploadId: string): Promise<void> {
    const folder = this.#folder(uploadId);
    await createFile(`${folder}/${DONE}`, bytes('')).catch((error) => {
      // Two that completed it at once are both done.
      if (errorCode(error) !== 'EEXIST') throw error;
    });
    const parts = (await readdir(folder)).filter((name) => name !== DONE && name !== TARGET);
    await Promise.all(parts.map((name) => rm(`${folder}/${name}`, { force: true })));
  }

  async remove(uploadId: string): Promise<void> {
    await rm(this.#folder(uploadId), { recursive: true, force: true });
  }

  #folder(uploadId: string): string {
    if (!UUID.test(uploadId)) throw noSuchUpload(uploadId);
    return `${this.#temp}/${PREFIX}${uploadId}`;
  }

  #part(uploadId: string, partNumber: number): string {
    return `${this.#folder(uploadId)}/part-${checkPartNumber(partNumber)}`;
  }
}

async function* concatenated(files: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const file of files) yield* createReadStream(file, { highWaterMark: 1024 * 1024 });
}

async function* bytes(text: string): AsyncGenerator<Uint8Array> {
  if (text !== '') yield Buffer.from(text);
}

const noSuchUpload = (uploadId: string) => missing(`No such multipart upload: '${uploadId.slice(0, 100)}'`);

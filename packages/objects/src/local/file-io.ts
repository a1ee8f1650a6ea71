import * as fs from 'node:fs';
import { constants } from 'node:fs';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';

/** Callback calls made promises: for many small files they cost half of what FileHandle does. */
export const io = {
  open: promisify(fs.open),
  close: promisify(fs.close),
  write: promisify(fs.write),
  writev: promisify(fs.writev),
  read: promisify(fs.read),
  fstat: promisify(fs.fstat),
  fdatasync: promisify(fs.fdatasync),
  rename: promisify(fs.rename),
  unlink: promisify(fs.unlink),
};

const BATCH_BYTES = 1024 * 1024;
const READ_BYTES = 512 * 1024;
const WHOLE_READ_BYTES = 64 * 1024;

/** O_NONBLOCK keeps a pipe that someone put there from hanging a thread. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export type FileStat = fs.BigIntStats;

/** Identifies this content: a replaced file has another inode, a changed one another time or size. */
export const etagOf = (stat: FileStat): string =>
  `"${stat.ino.toString(36)}-${stat.mtimeNs.toString(36)}-${stat.size.toString(36)}"`;

/**
 * Creates `path` from the chunks and puts it on disk; on any failure it is gone again. Writing overlaps receiving: one
 * batch is being written while the next one fills, so at most two are in memory.
 */
export async function createFile(path: string, chunks: AsyncIterable<Uint8Array>): Promise<FileStat> {
  const fd = await io.open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o666);
  let writing: Promise<void> = Promise.resolve();
  let open = true;
  try {
    let batch: Uint8Array[] = [];
    let batched = 0;
    for await (const chunk of chunks) {
      batch.push(chunk);
      batched += chunk.byteLength;
      if (batched < BATCH_BYTES) continue;
      await writing;
      writing = writeAll(fd, batch);
      // A failure is seen at the next await; until then it must not count as unhandled.
      writing.catch(() => {});
      batch = [];
      batched = 0;
    }
    await writing;
    if (batched > 0) await writeAll(fd, batch);
    await io.fdatasync(fd);
    const stat = await io.fstat(fd, { bigint: true });
    // Even a close that fails releases the number, which then may be another file's.
    open = false;
    await io.close(fd);
    return stat;
  } catch (error) {
    await writing.catch(() => {});
    if (open) await io.close(fd).catch(() => {});
    await io.unlink(path).catch(() => {});
    throw error;
  }
}

async function writeAll(fd: number, batch: readonly Uint8Array[]): Promise<void> {
  let rest: Uint8Array = batch.length === 1 ? batch[0]! : await writeVector(fd, batch);
  while (rest.byteLength > 0) {
    const { bytesWritten } = await io.write(fd, rest);
    rest = rest.subarray(bytesWritten);
  }
}

/** Writes the chunks in one call; what a short write left over comes back. */
async function writeVector(fd: number, batch: readonly Uint8Array[]): Promise<Uint8Array> {
  const { bytesWritten } = await io.writev(fd, batch as Uint8Array[]);
  const total = batch.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  return bytesWritten === total ? new Uint8Array() : Buffer.concat(batch).subarray(bytesWritten);
}

export interface ReadableFile {
  readonly fd: number;
  readonly stat: FileStat;
}

/** Opens a regular file, or nothing where there is none under that very name (a link or folder is none). */
export async function openFile(path: string): Promise<ReadableFile | undefined> {
  const fd = await io.open(path, READ_FLAGS);
  try {
    const stat = await io.fstat(fd, { bigint: true });
    if (stat.isFile()) return { fd, stat };
  } catch (error) {
    await io.close(fd).catch(() => {});
    throw error;
  }
  await io.close(fd);
  return undefined;
}

/** Streams bytes `start` to `end` (inclusive) and closes the file; few bytes are read at once and need no open file. */
export async function streamFile(fd: number, start: number, end: number): Promise<Readable> {
  const length = end - start + 1;
  if (length > WHOLE_READ_BYTES) {
    return fs.createReadStream('', { fd, start, end, highWaterMark: Math.min(READ_BYTES, length) });
  }
  try {
    const bytes = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await io.read(fd, bytes, filled, length - filled, start + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return streamOf(bytes.subarray(0, filled));
  } finally {
    await io.close(fd);
  }
}

const streamOf = (bytes: Buffer): Readable =>
  new Readable({
    read() {
      if (bytes.byteLength > 0) this.push(bytes);
      this.push(null);
    },
  });

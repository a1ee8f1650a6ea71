import { Readable } from 'node:stream';
import type { Stats } from 'ssh2';
import type { SftpSession } from './sftp-session.ts';

const BLOCK_BYTES = 64 * 1024;
/** Enough to fill a line of 20 ms at 50 MB/s; at most 1 MiB is under way in each direction. */
const BLOCKS_IN_FLIGHT = 16;

/** Creates the file from the chunks and asks the server to put it on disk; on any failure it is removed again. */
export async function uploadFile(
  session: SftpSession,
  path: string,
  chunks: AsyncIterable<Uint8Array>,
): Promise<Stats> {
  const handle = await session.open(path, 'wx');
  try {
    await writeBlocks(session, handle, chunks);
    await session.fsync(handle);
    const stats = await session.fstat(handle);
    await session.close(handle);
    return stats;
  } catch (error) {
    await session.close(handle).catch(() => {});
    await session.unlink(path).catch(() => {});
    throw error;
  }
}

async function writeBlocks(session: SftpSession, handle: Buffer, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const running = new Set<Promise<void>>();
  let failure: unknown;
  let position = 0;
  try {
    for await (const chunk of chunks) {
      for (let from = 0; from < chunk.byteLength; from += BLOCK_BYTES) {
        const block = Buffer.from(
          chunk.buffer,
          chunk.byteOffset + from,
          Math.min(BLOCK_BYTES, chunk.byteLength - from),
        );
        const one: Promise<void> = session
          .write(handle, block, position)
          .catch((error) => {
            failure ??= error;
          })
          .finally(() => running.delete(one));
        running.add(one);
        position += block.byteLength;
        if (running.size >= BLOCKS_IN_FLIGHT) await Promise.race(running);
        if (failure !== undefined) throw failure;
      }
    }
  } finally {
    await Promise.all(running);
  }
  if (failure !== undefined) throw failure;
}

/** Streams bytes `start` to `end` (inclusive) of an open file, reading ahead; closes the handle in every case. */
export function downloadFile(session: SftpSession, handle: Buffer, start: number, end: number): Readable {
  const blocks = readBlocks(session, handle, start, end);
  return new Readable({
    highWaterMark: BLOCK_BYTES,
    read() {
      blocks.next().then(
        ({ done, value }) => this.push(done ? null : value),
        (error) => this.destroy(error),
      );
    },
    destroy(error, callback) {
      const closed = () => callback(error);
      session.close(handle).then(closed, closed);
    },
  });
}

async function* readBlocks(
  session: SftpSession,
  handle: Buffer,
  start: number,
  end: number,
): AsyncGenerator<Buffer, undefined> {
  const ahead: Promise<Buffer>[] = [];
  for (let position = start; position <= end || ahead.length > 0; ) {
    while (position <= end && ahead.length < BLOCKS_IN_FLIGHT) {
      const block = readBlock(session, handle, position, Math.min(BLOCK_BYTES, end - position + 1));
      // Seen when its turn comes; until then it must not count as unhandled.
      block.catch(() => {});
      ahead.push(block);
      position += BLOCK_BYTES;
    }
    yield await ahead.shift()!;
  }
  return undefined;
}

async function readBlock(session: SftpSession, handle: Buffer, position: number, length: number): Promise<Buffer> {
  const block = Buffer.allocUnsafe(length);
  for (let filled = 0; filled < length; ) {
    const bytes = await session.read(handle, block, filled, length - filled, position + filled);
    if (bytes === 0) throw new Error('the file became shorter while it was read');
    filled += bytes;
  }
  return block;
}

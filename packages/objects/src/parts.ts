import { setMaxListeners } from 'node:events';
import type { ArtifactPath } from './artifact-path.ts';
import type { WriteOptions } from './artifact-store.ts';
import { cancelled } from './body.ts';

/** The chunks as buffers of exactly `partSize` bytes, the last one shorter; nothing for no bytes. */
export async function* partsOf(chunks: AsyncIterable<Uint8Array>, partSize: number): AsyncGenerator<Buffer> {
  let pending: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    let rest = chunk;
    while (size + rest.byteLength >= partSize) {
      const used = partSize - size;
      yield Buffer.concat([...pending, rest.subarray(0, used)], partSize);
      rest = rest.subarray(used);
      pending = [];
      size = 0;
    }
    if (rest.byteLength > 0) pending.push(rest);
    size += rest.byteLength;
  }
  if (size > 0) yield Buffer.concat(pending, size);
}

export interface PartedBody {
  /** The whole body where it fits into one part. */
  readonly only?: Buffer;
  readonly parts: AsyncGenerator<Buffer>;
}

/** Tells a body that is one part from a longer one, whose parts are then still all to come. */
export async function splitBody(chunks: AsyncIterable<Uint8Array>, partSize: number): Promise<PartedBody> {
  const parts = partsOf(chunks, partSize);
  const first = await parts.next();
  if (first.done) return { only: Buffer.alloc(0), parts };
  const second = await parts.next();
  if (second.done) return { only: first.value, parts };
  return { parts: preceded([first.value, second.value], parts) };
}

async function* preceded(head: Buffer[], tail: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  try {
    for (let part = head.shift(); part !== undefined; part = head.shift()) yield part;
    yield* tail;
  } finally {
    await tail.return(undefined);
  }
}

export interface SentParts<T> {
  readonly sent: T[];
  readonly size: number;
}

/**
 * Sends parts while later ones arrive, at most `inFlight` at once. The first failure, of a send or of the body, aborts the
 * others' signal, waits for them to end and is thrown.
 */
export async function sendParts<T>(
  parts: AsyncIterable<Buffer>,
  inFlight: number,
  signal: AbortSignal,
  send: (part: Buffer, partNumber: number, signal: AbortSignal) => Promise<T>,
): Promise<SentParts<T>> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  setMaxListeners(0, either);
  const sent: T[] = [];
  const running = new Set<Promise<void>>();
  let size = 0;
  let partNumber = 0;
  try {
    for await (const part of parts) {
      either.throwIfAborted();
      partNumber += 1;
      size += part.byteLength;
      const index = partNumber - 1;
      const one: Promise<void> = send(part, partNumber, either)
        .then((result) => {
          sent[index] = result;
        })
        .catch((error) => failed.abort(error))
        .finally(() => running.delete(one));
      running.add(one);
      if (running.size >= inFlight) await Promise.race(running);
    }
    await Promise.all(running);
    either.throwIfAborted();
    return { sent, size };
  } catch (error) {
    failed.abort(error);
    await Promise.all(running);
    throw failed.signal.reason;
  }
}

/** Runs an upload with a signal that is never absent; what fails after an abort is the abort. */
export async function untilAborted<T>(
  path: ArtifactPath,
  { signal }: WriteOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  try {
    signal?.throwIfAborted();
    return await work(signal ?? new AbortController().signal);
  } catch (error) {
    throw signal?.aborted ? cancelled(path, signal.reason) : error;
  }
}

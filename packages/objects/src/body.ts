import { Readable } from 'node:stream';
import { DomainError } from '@millrace/core';
import type { ArtifactPath } from './artifact-path.ts';
import type { Body, WriteOptions } from './artifact-store.ts';

/**
 * The chunks of an upload, checked: a wrong length throws BAD_REQUEST and an abort CANCELLED, even while waiting for a chunk.
 * Leaving the loop early leaves the body open, so that an HTTP server can still answer.
 */
export async function* checkedChunks(
  path: ArtifactPath,
  body: Body,
  { contentLength, signal }: WriteOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks: AsyncIterator<Uint8Array> =
    body instanceof Readable ? body.iterator({ destroyOnReturn: false }) : body[Symbol.asyncIterator]();
  const pull = signal ? abortable(chunks, signal, path) : { next: () => chunks.next(), release: () => {} };
  let size = 0;
  /** The last announced bytes wait for the end: a store that had them all would publish what the next chunk proves too long. */
  let held: Uint8Array | undefined;
  try {
    for (let step = await pull.next(); !step.done; step = await pull.next()) {
      size += step.value.byteLength;
      if (contentLength !== undefined && size > contentLength) throw wrongLength(path, contentLength, 'more');
      if (step.value.byteLength === 0) continue;
      if (size === contentLength) held = step.value;
      else yield step.value;
    }
    if (contentLength !== undefined && size < contentLength) throw wrongLength(path, contentLength, `only ${size}`);
    if (held !== undefined) yield held;
  } finally {
    pull.release();
    // Not awaited: a generator that waits for its source would hold the answer back until the source moves.
    chunks.return?.()?.catch(() => {});
  }
}

/** One listener for the whole upload: racing a promise for each chunk would keep every chunk's reaction alive. */
function abortable<T>(chunks: AsyncIterator<T>, signal: AbortSignal, path: ArtifactPath) {
  let reject: ((error: Error) => void) | undefined;
  const onAbort = () => reject?.(cancelled(path, signal.reason));
  signal.addEventListener('abort', onAbort, { once: true });
  const next = () =>
    new Promise<IteratorResult<T>>((resolve, rejectStep) => {
      reject = rejectStep;
      if (signal.aborted) onAbort();
      else chunks.next().then(resolve, rejectStep);
    });
  return { next, release: () => signal.removeEventListener('abort', onAbort) };
}

export const cancelled = (path: ArtifactPath, cause: unknown): DomainError =>
  new DomainError('CANCELLED', `The upload of '${path}' was cancelled; nothing was stored`, { cause });

const wrongLength = (path: ArtifactPath, announced: number, got: string): DomainError =>
  new DomainError(
    'BAD_REQUEST',
    `The upload of '${path}' announced ${announced} bytes and sent ${got}; nothing was stored`,
  );

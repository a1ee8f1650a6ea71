import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

/** What a refused client may still send: many read no answer before they have sent everything, or found the connection closed. */
const DRAINED_BYTES = 16 * 1024 * 1024;
const DRAINED_MS = 5_000;

/** Whether bytes of a body are still to come. */
export const hasUnreadBody = ({ complete, headers }: IncomingMessage): boolean =>
  !complete && (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0);

/**
 * An answer that is sent at once and ends when the rest of the body is read and thrown away, up to a limit: closing a
 * connection with unread bytes would reset it, and the answer with it.
 */
export const answerAndDrain = (answer: string, request: IncomingMessage): Readable =>
  Readable.from(
    (async function* () {
      yield Buffer.from(answer);
      await drained(request);
    })(),
  );

function drained(request: IncomingMessage): Promise<void> {
  if (request.readableEnded || request.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    let rest = DRAINED_BYTES;
    const onData = (chunk: Uint8Array) => {
      rest -= chunk.byteLength;
      if (rest < 0) end();
    };
    const end = () => {
      clearTimeout(timer);
      request.off('data', onData).off('close', end).pause();
      resolve();
    };
    const timer = setTimeout(end, DRAINED_MS);
    // A request closes when it has ended, too.
    request.on('data', onData).once('close', end);
  });
}

import { createHash } from 'node:crypto';
import { type Clock, invalid } from '@millrace/core';
import type { CallContext } from '@millrace/http';

const HEADER = 'idempotency-key';
const MAX_KEY_LENGTH = 255;

/** A request that is to take effect once, however often it is sent. */
export interface Once {
  readonly key: string;
  /** Of the request as it was sent. */
  readonly digest: string;
  readonly now: number;
}

/** What the request says of itself in its Idempotency-Key header; undefined where it has none. */
export function readOnce({ http }: CallContext, clock: Clock): Once | undefined {
  const key = http.headers[HEADER];
  if (key === undefined) return undefined;
  if (typeof key !== 'string' || !/^[!-~]+$/.test(key) || key.length > MAX_KEY_LENGTH) {
    throw invalid(`Invalid Idempotency-Key header: it has 1 to ${MAX_KEY_LENGTH} visible ASCII characters.`);
  }
  const digest = createHash('sha256')
    .update((http.body as Uint8Array | undefined) ?? '')
    .digest('base64');
  return { key, digest, now: clock.now() };
}

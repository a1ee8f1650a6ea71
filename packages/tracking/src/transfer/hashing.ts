import { createHash } from 'node:crypto';
import { Transform } from 'node:stream';

/** A stream that lets bytes through, counts them and knows their digest at the end. */
export function hashing(): {
  readonly stream: Transform;
  result(): { readonly size: number; readonly sha256: string };
} {
  const hash = createHash('sha256');
  let size = 0;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      size += chunk.byteLength;
      done(null, chunk);
    },
  });
  return { stream, result: () => ({ size, sha256: hash.digest('hex') }) };
}

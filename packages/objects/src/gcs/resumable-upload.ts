import { setTimeout as sleep } from 'node:timers/promises';
import type { File } from '@google-cloud/storage';

const ATTEMPTS = 3;
const RESUME_INCOMPLETE = 308;

/**
 * Uploads parts one after the other in a session of the store: nothing of the object exists before the last part. Parts
 * but the last must be multiples of 256 KiB. @returns the size and the object's generation.
 */
export async function uploadInSession(
  file: File,
  parts: AsyncIterable<Buffer>,
  signal: AbortSignal,
): Promise<{ size: number; generation: string }> {
  const [session] = await file.createResumableUpload();
  let held: Buffer | undefined;
  let offset = 0;
  try {
    // The last part is told apart by the total that it carries, so each waits for the one after it.
    for await (const part of parts) {
      if (held !== undefined) {
        await putPart(session, held, offset, '*', signal);
        offset += held.byteLength;
      }
      held = part;
    }
    const last = held ?? Buffer.alloc(0);
    const total = offset + last.byteLength;
    const answer = await putPart(session, last, offset, String(total), signal);
    const { generation } = (await answer.json()) as { generation: string };
    return { size: total, generation };
  } catch (error) {
    await fetch(session, { method: 'DELETE' }).catch(() => {});
    throw error;
  }
}

/** Sends the bytes from `offset` on, again from wherever the store says that it stopped taking them. */
async function putPart(
  session: string,
  part: Buffer,
  offset: number,
  total: string,
  signal: AbortSignal,
): Promise<Response> {
  const end = offset + part.byteLength;
  let from = offset;
  for (let attempt = 1; ; attempt += 1) {
    const answer = await tryPut(session, part.subarray(from - offset), `bytes ${from}-${end - 1}/${total}`, signal);
    const status = answer instanceof Response ? answer.status : undefined;
    if (answer instanceof Response && (status === 200 || status === 201)) return answer;
    if (answer instanceof Response && status === RESUME_INCOMPLETE) {
      const taken = takenBytes(answer);
      if (total === '*' && taken >= end) return answer;
      if (taken > from) {
        from = taken;
        attempt = 0;
        continue;
      }
    } else if (status !== undefined && status < 500 && status !== 429) {
      throw failure(answer);
    }
    if (attempt === ATTEMPTS || signal.aborted) throw failure(answer);
    await sleep(250 * 2 ** attempt, undefined, { signal });
  }
}

/** A Range header of 0-N says that N + 1 bytes are safe; without one, none are. */
const takenBytes = (answer: Response): number => {
  const last = /^bytes=0-(\d+)$/.exec(answer.headers.get('range') ?? '')?.[1];
  return last === undefined ? 0 : Number(last) + 1;
};

async function tryPut(session: string, part: Buffer, range: string, signal: AbortSignal): Promise<Response | Error> {
  try {
    const body = new Uint8Array(part.buffer as ArrayBuffer, part.byteOffset, part.byteLength);
    const headers = { 'content-range': range };
    const answer = await fetch(session, { method: 'PUT', body, headers, signal, redirect: 'manual' });
    if (answer.status === RESUME_INCOMPLETE) await answer.body?.cancel();
    return answer;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

const failure = (answer: Response | Error): Error =>
  answer instanceof Error
    ? answer
    : Object.assign(new Error(`The upload was refused with status ${answer.status}`), { code: answer.status });

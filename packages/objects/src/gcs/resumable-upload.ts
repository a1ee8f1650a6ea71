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

async function putPart(
  session: string,
  part: Buffer,
  offset: number,
  total: string,
  signal: AbortSignal,
): Promise<Response> {
  const range = `bytes ${offset}-${offset + part.byteLength - 1}/${total}`;
  const expected = total === '*' ? RESUME_INCOMPLETE : 200;
  for (let attempt = 1; ; attempt += 1) {
    const answer = await tryPut(session, part, range, signal);
    if (answer instanceof Response && (answer.status === expected || (expected === 200 && answer.status === 201))) {
      return answer;
    }
    const isTransient = !(answer instanceof Response) || answer.status >= 500 || answer.status === 429;
    if (!isTransient || attempt === ATTEMPTS || signal.aborted) throw failure(answer);
    // Sending the same range again is harmless: the session keeps what it has and takes the rest.
    await sleep(250 * 2 ** attempt, undefined, { signal });
  }
}

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

import { invalid } from '@millrace/core';
import type { Transactor } from '@millrace/db';
import type { Once } from './once.ts';

const KEPT_MS = 24 * 60 * 60 * 1000;

/**
 * Does the work and keeps its answer, in this transaction, or gives the answer that was kept for its key. Of requests
 * with one key at the same time the others wait for the first.
 */
export async function once(
  tx: Transactor,
  operation: string,
  request: Once | undefined,
  work: () => Promise<string>,
): Promise<string> {
  if (request === undefined) return work();
  const { key, digest, now } = request;
  await tx.run('DELETE FROM idempotency_keys WHERE created_at < ?', [now - KEPT_MS]);
  const isFirst = await tx.run(
    "INSERT INTO idempotency_keys (operation, key, digest, answer, created_at) VALUES (?, ?, ?, '', ?) ON CONFLICT DO NOTHING",
    [operation, key, digest, now],
  );
  if (isFirst === 0) return keptAnswer(tx, operation, request);
  const answer = await work();
  await tx.run('UPDATE idempotency_keys SET answer = ? WHERE operation = ? AND key = ?', [answer, operation, key]);
  return answer;
}

async function keptAnswer(tx: Transactor, operation: string, { key, digest }: Once): Promise<string> {
  const [row] = await tx.all<[digest: string, answer: string]>(
    'SELECT digest, answer FROM idempotency_keys WHERE operation = ? AND key = ?',
    [operation, key],
  );
  if (row![0] !== digest) {
    throw invalid(`The Idempotency-Key '${key}' was used for another request; a key names one request for 24 hours.`);
  }
  return row![1];
}

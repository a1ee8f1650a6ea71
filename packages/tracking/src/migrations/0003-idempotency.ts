import type { Migration } from '@millrace/db';

/** Answers of requests that named an Idempotency-Key, for clients that ask again. */
export const idempotency: Migration = {
  id: '0003-idempotency',
  statements: [
    // digest: of the request, so that a key that is used for another one is noticed.
    `CREATE TABLE idempotency_keys (
      operation {text} NOT NULL,
      key {text} NOT NULL,
      digest {text} NOT NULL,
      answer {text} NOT NULL,
      created_at {int} NOT NULL,
      PRIMARY KEY (operation, key)
    ) {clustered}`,
    'CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at)',
  ],
};

import type { Migration } from '@millrace/db';

/** What was imported from where, so that an import goes on where it was interrupted and brings only news later. */
export const imports: Migration = {
  id: '0002-imports',
  statements: [
    // digest: of the state at the source that is in the target.
    `CREATE TABLE imports (
      source {text} NOT NULL,
      kind {text} NOT NULL,
      source_id {text} NOT NULL,
      target_id {text} NOT NULL,
      digest {text} NOT NULL,
      updated_at {int} NOT NULL,
      PRIMARY KEY (source, kind, source_id)
    ) {clustered}`,
    'CREATE INDEX imports_by_source_id ON imports (kind, source_id)',
  ],
};

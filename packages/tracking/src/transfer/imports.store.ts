import type { Transactor } from '@millrace/db';

export type ImportKind = 'experiment' | 'run' | 'model';

export interface Mark {
  readonly source: string;
  readonly kind: ImportKind;
  readonly sourceId: string;
  readonly targetId: string;
  readonly digest: string;
  readonly now: number;
}

/** Remembers what of the source the target has now. */
export async function mark(tx: Transactor, { source, kind, sourceId, targetId, digest, now }: Mark): Promise<void> {
  await tx.run(
    `INSERT INTO imports (source, kind, source_id, target_id, digest, updated_at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (source, kind, source_id)
     DO UPDATE SET target_id = excluded.target_id, digest = excluded.digest, updated_at = excluded.updated_at`,
    [source, kind, sourceId, targetId, digest, now],
  );
}

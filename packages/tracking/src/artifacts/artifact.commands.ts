import { missing } from '@millrace/core';
import { read } from '@millrace/db';

export const readRunArtifactUri = read('artifacts.ofRun', async (db, runUuid: string): Promise<string> => {
  const [row] = await db.all<[string]>('SELECT artifact_uri FROM runs WHERE run_uuid = ?', [runUuid]);
  if (row === undefined) throw missing(`Run with id=${runUuid} not found`);
  return row[0];
});

export const readModelArtifactUri = read('artifacts.ofModel', async (db, modelId: string): Promise<string> => {
  const [row] = await db.all<[string]>('SELECT artifact_location FROM logged_models WHERE model_id = ?', [modelId]);
  if (row === undefined) throw missing(`Logged model with ID '${modelId}' not found.`);
  return row[0];
});

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { invalid } from '@millrace/core';
import { type BackendUri, parseBackendUri } from '@millrace/db';
import type { ImportSource } from '../records.ts';

export interface SourceOptions {
  /** A folder or a store's URI: what lies behind `mlflow-artifacts:`, or where the artifacts are now. */
  readonly artifacts: string | undefined;
}

/** Opens what `--from` names; each kind of source is loaded only here. */
export async function openSource(from: string, { artifacts }: SourceOptions): Promise<ImportSource> {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(from)?.[1]?.toLowerCase();
  if (scheme === 'http' || scheme === 'https') return (await import('./mlflow-server.ts')).openMlflowServer(from);
  if (scheme !== undefined && scheme !== 'file') return openDatabase(parseBackendUri(from), artifacts);
  const folder = scheme === 'file' ? fileFolder(from) : resolve(from);
  if (existsSync(join(folder, 'manifest.json'))) return (await import('./bundle.ts')).openBundle(folder);
  if (/\.(db|sqlite3?)$/.test(folder)) return openDatabase({ dialect: 'sqlite', file: folder }, artifacts);
  if (existsSync(folder)) return (await import('./mlruns.ts')).openMlruns(folder, artifacts);
  throw invalid(
    `There is nothing to import at '${from}': name a database (sqlite:///mlflow.db, postgresql://…), a folder (./mlruns, or one made by 'millrace export') or a running server (http://…).`,
  );
}

const openDatabase = async (uri: BackendUri, artifacts: string | undefined): Promise<ImportSource> =>
  (await import('./mlflow-database.ts')).openMlflowDatabase(uri, artifacts);

const fileFolder = (uri: string): string =>
  /^file:\/\//i.test(uri) ? fileURLToPath(new URL(uri)) : resolve(uri.replace(/^file:/i, ''));

import { resolve } from 'node:path';
import { invalid } from '@millrace/core';

export type BackendUri =
  | { readonly dialect: 'sqlite'; readonly file: string }
  | { readonly dialect: 'postgres'; readonly url: string };

/**
 * Reads a backend store URI as `mlflow server` users write it: `sqlite:///relative.db`, `sqlite:////absolute.db`,
 * `postgresql://user:password@host:5432/name` (a driver suffix such as `+psycopg2` is accepted and ignored).
 */
export function parseBackendUri(uri: string): BackendUri {
  const sqlite = /^sqlite:\/\/\/([^?]+)(\?.*)?$/.exec(uri);
  if (sqlite !== null) return { dialect: 'sqlite', file: resolve(decodeURIComponent(sqlite[1]!)) };
  const postgres = /^postgres(?:ql)?(?:\+\w+)?:\/\/(.+)$/.exec(uri);
  if (postgres !== null) return { dialect: 'postgres', url: `postgresql://${postgres[1]}` };
  throw invalid(
    `Invalid backend store URI '${redact(uri)}': expected 'sqlite:///<file>' or 'postgresql://<user>:<password>@<host>:<port>/<database>'.`,
  );
}

/** The URI without its password, for messages and logs. */
export const redact = (uri: string): string => uri.replace(/(:\/\/[^:/@]*):[^@/]*@/, '$1:***@');

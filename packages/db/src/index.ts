export * from './access.ts';
export { type BackendUri, parseBackendUri, redact } from './backend-uri.ts';
export { Dictionary } from './dictionary.ts';
export type { Migration, SchemaState } from './migrations.ts';
export { type OpenOptions, openDatabase } from './open.ts';
export { inspectSchema, migrate, refuse, verifyDatabase } from './schema.ts';
export * from './sql.ts';

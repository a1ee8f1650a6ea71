export * from './artifact-path.ts';
export * from './artifact-store.ts';
export { type Destination, parseDestination, redacted } from './destination.ts';
export { MAX_PARTS } from './multipart.ts';
export { openStore, type StoreOptions } from './open-store.ts';

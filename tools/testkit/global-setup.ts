import { servePostgres } from './postgres-broker.ts';

/** Vitest calls this once before all test files, and what it returns after them. */
export default servePostgres;

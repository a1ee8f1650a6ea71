import { defineConfig } from 'vitest/config';

/** What transfers promise over plain HTTP, on servers that the tests start. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    testTimeout: 180_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 1,
  },
});

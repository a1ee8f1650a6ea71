import { defineConfig } from 'vitest/config';

/** The suites over plain HTTP; MLFLOW_TRACKING_URI names the server. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['http/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 1,
  },
});

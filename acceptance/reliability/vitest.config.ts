import { defineConfig } from 'vitest/config';

/** What the server promises when things go wrong; each file's first line names the promise. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    globalSetup: ['../../tools/testkit/global-setup.ts'],
    testTimeout: 300_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});

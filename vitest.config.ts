import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      'packages/*/{src,test}/**/*.test.ts',
      'apps/{server,cli,ui}/{src,test}/**/*.test.ts',
      'tools/**/*.test.ts',
      'scripts/*.test.ts',
    ],
    globalSetup: ['tools/testkit/global-setup.ts'],
    // Guards against a hang, not a measure: a cold start of the real MLflow on a busy machine takes long.
    testTimeout: 120_000,
    hookTimeout: 180_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});

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
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: {
    alias: [
      { find: /^skein$/, replacement: fileURLToPath(new URL('lib/index.ts', import.meta.url)) },
      { find: /^skein\/testing$/, replacement: fileURLToPath(new URL('lib/testing.ts', import.meta.url)) },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/build.ts', 'test/install.ts'],
    // ZeroMQ aborts the process when a worker thread that holds sockets ends.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 10_000,
    retry: 0,
  },
});

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const built = fileURLToPath(new URL('dist', import.meta.url));

export default defineConfig({
  resolve: {
    // Tests run the library as it is built: Node loads and runs that faster than what is transformed as it is read.
    alias: [
      { find: /^skein$/, replacement: `${built}/index.js` },
      { find: /^skein\/testing$/, replacement: `${built}/testing.js` },
      { find: /^(?:\.\.\/)+lib\/(.*)$/, replacement: `${built}/$1` },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/build.ts', 'test/install.ts'],
    setupFiles: ['test/short-stacks.ts'],
    server: { deps: { external: [new RegExp(`^${built.replace(/[^\w/]/g, '\\$&')}/`)] } },
    // ZeroMQ aborts the process when a worker thread that holds sockets ends.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 10_000,
    retry: 0,
  },
});

import { resolve } from 'node:path';
import { configDefaults, defineConfig } from 'vitest/config';

/** A test may wait for a real nats-server, a hook may start several of them on a loaded machine. */
const TEST_TIMEOUT_MS = 60_000;
const HOOK_TIMEOUT_MS = 60_000;

/** Each worker may run its own nats-server beside it: two keep a two-core machine busy, more only slow it down. */
const MAX_WORKERS = 2;

/** Files that start whole subnets, look at a process's memory or change its environment: each has a worker of its own. */
const ISOLATED = ['e2e', 'runtime', 'scripts'].map((folder) => `test/${folder}/**/*.test.ts`);

/** Simulated subnets, whose databases are in memory. */
const SIMULATED = ['test/simulation/**/*.test.ts'];

/** False: modules are loaded once a worker instead of once a file, of which there are hundreds; none has state that a test sees. */
const ISOLATE_FILES = false;

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: MAX_WORKERS,
    testTimeout: TEST_TIMEOUT_MS,
    hookTimeout: HOOK_TIMEOUT_MS,
    // What a CommonJS package exports by default is here what it is in Node.
    deps: { interopDefault: false },
    // Workers, and the processes that tests start, compile what they load once between them.
    env: { NODE_COMPILE_CACHE: resolve(import.meta.dirname, '.cache/node-compile') },
    // In the order of their names: the longest files come first, and short ones fill up the end.
    projects: [
      {
        extends: true,
        test: {
          name: 'in-memory',
          include: SIMULATED,
          isolate: ISOLATE_FILES,
          // Its databases never wait: with one thread for all of them none wakes up for nothing.
          env: { UV_THREADPOOL_SIZE: '1' },
        },
      },
      { extends: true, test: { name: 'isolated', include: ISOLATED } },
      {
        extends: true,
        test: {
          name: 'shared',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...SIMULATED, ...ISOLATED],
          isolate: ISOLATE_FILES,
        },
      },
    ],
  },
});

import { defineConfig } from 'vitest/config';

/** A test may wait for a real nats-server, a hook may start several of them on a loaded machine. */
const TEST_TIMEOUT_MS = 60_000;
const HOOK_TIMEOUT_MS = 60_000;

/** Each worker may run its own nats-server beside it: two keep a two-core machine busy, more only slow it down. */
const MAX_WORKERS = 2;

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: MAX_WORKERS,
    testTimeout: TEST_TIMEOUT_MS,
    hookTimeout: HOOK_TIMEOUT_MS,
    // What a CommonJS package exports by default is here what it is in Node.
    deps: { interopDefault: false },
  },
});

import { setTimeout as delay } from 'node:timers/promises';

/**
 * Each pause is half as long again as the one before: looking comes at most so much too late, and what is waited for
 * for seconds is not asked fifty times a second, which would slow it down.
 */
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 50;
const PAUSE_GROWTH = 1.5;

/** For a test that waits for whole processes, on a machine that is busy with others. */
export const PROCESS_TEST_TIMEOUT_MS = 240_000;

/** Processes of a loaded two-core machine answer within seconds. */
const DEADLINE_MS = 60_000;

/**
 * Looks again and again until there is something to see, and gives it; `undefined`, `null` and `false`
 * are nothing. Throws, naming what was waited for, at the deadline.
 */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | null | false> | T | undefined | null | false,
  deadlineMs = DEADLINE_MS,
): Promise<T> {
  const deadline = performance.now() + deadlineMs;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(LONGEST_PAUSE_MS, PAUSE_GROWTH * pause)) {
    const seen = await look();
    if (seen !== undefined && seen !== null && seen !== false) return seen;
    if (performance.now() > deadline) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await delay(pause);
  }
}

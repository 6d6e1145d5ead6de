/** Blocks between two attempts at the most: some minutes, so that what was withheld is had soon after it is given. */
const MAX_WAIT_BLOCKS = 16;

/** Attempts that are remembered: one for each member of the runs that are open. */
const MAX_REMEMBERED = 1_024;

/**
 * When something that failed is tried again: after 1, 2, 4 … blocks. It lives in memory only: a restart tries at once.
 */
export function createAttempts() {
  const waiting = new Map<string, Readonly<{ failures: number; next: number }>>();
  return {
    isDue: (key: string, block: number): boolean => (waiting.get(key)?.next ?? 0) <= block,
    failed: (key: string, block: number): void => {
      const failures = (waiting.get(key)?.failures ?? 0) + 1;
      const next = block + Math.min(MAX_WAIT_BLOCKS, 2 ** Math.min(failures - 1, 16));
      const oldest = waiting.keys().next();
      if (waiting.size >= MAX_REMEMBERED && oldest.done !== true) waiting.delete(oldest.value);
      waiting.set(key, { failures, next });
    },
    succeeded: (key: string): void => {
      waiting.delete(key);
    },
  };
}

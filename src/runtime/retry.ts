import { setTimeout as delay } from 'node:timers/promises';
import { type AppError, isAppError } from '../errors.ts';

/** A server that restarts is back within a second: the first retries are quick, the later ones cost nothing. */
const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 2_000;

/** What a loop that waits for a server needs. Every outage is told to `onRetry`: none passes in silence. */
export type RetryDeps = Readonly<{
  signal?: AbortSignal | undefined;
  onRetry?: ((outage: AppError) => void) | undefined;
  /** Waits some milliseconds; rejects when the signal is aborted. */
  wait?: ((ms: number, signal?: AbortSignal) => Promise<void>) | undefined;
}>;

/**
 * Repeats `action` while it throws `log.unavailable`, with capped exponential back-off. `action` gets
 * the number of its attempt, from zero. Any other error, and an aborted signal, ends it with a throw.
 */
export async function whileUnavailable<T>(
  action: (attempt: number) => Promise<T>,
  { signal, onRetry, wait = sleep }: RetryDeps,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await action(attempt);
    } catch (error) {
      if (!isAppError(error, 'log.unavailable')) throw error;
      onRetry?.(error);
      signal?.throwIfAborted();
    }
    await wait(Math.min(FIRST_RETRY_MS * 2 ** attempt, LONGEST_RETRY_MS), signal);
  }
}

async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(ms, undefined, signal === undefined ? {} : { signal });
}

import { setTimeout as delay } from 'node:timers/promises';

/** The time now, RFC 3339 in UTC with milliseconds. */
export function now(): string {
  return new Date().toISOString();
}

/** Waits; an abort ends the waiting early, without an error. */
export async function wait(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

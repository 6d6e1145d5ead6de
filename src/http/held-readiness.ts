import type { Check } from './documents.ts';

/** Whoever asks more often gets the same answer: what it takes to know it is done once a second at most. */
const HELD_MS = 1_000;

/** The checks of a service, made anew at most once a second, however often and by whomever they are asked for. */
export function heldReadiness(
  readiness: () => Promise<readonly Check[]>,
  nowMs: () => number = () => performance.now(),
): () => Promise<readonly Check[]> {
  let last: Readonly<{ atMs: number; checks: Promise<readonly Check[]> }> | null = null;
  return () => {
    const atMs = nowMs();
    if (last === null || atMs - last.atMs >= HELD_MS) last = { atMs, checks: readiness() };
    return last.checks;
  };
}

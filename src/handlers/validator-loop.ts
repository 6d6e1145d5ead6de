import type { Known } from '../chain/chain.ts';
import { isAppError } from '../errors.ts';
import type { Run } from '../projectors/run-state.ts';

/** After an exception the loop waits, longer each time: a broken disk is not asked thousands of times a second. */
const BACKOFF_FIRST_MS = 200;
const BACKOFF_LAST_MS = 30_000;

/** What the loop last saw, for `/readyz` and metrics. */
export type LoopState = {
  block: number | null;
  /** The block that a whole round was made for; a command makes the next round due at once. */
  settled: number | null;
  /** Commands that were carried out; one in the middle of a round is not settled by that round. */
  commands: number;
  chain: 'unasked' | 'known' | 'unknown';
  chainDetail: string | null;
  /** Exceptions since the last round that went through. */
  failures: number;
  lastError: string | null;
};

export type RoundDeps = Readonly<{
  finalizedBlock: () => Promise<Known<number>>;
  unfinishedRuns: () => Promise<readonly Run[]>;
  advance: (run: Run, block: number) => Promise<void>;
}>;

export type LoopDeps = Readonly<{
  round: () => Promise<void>;
  /** Waits; resolves early, without throwing, when the signal aborts. */
  wait: (ms: number) => Promise<void>;
  onFailure: (error: unknown) => void;
  signal: AbortSignal;
}>;

/** A loop that has seen nothing yet. */
export function newLoopState(): LoopState {
  return {
    block: null,
    settled: null,
    commands: 0,
    chain: 'unasked',
    chainDetail: null,
    failures: 0,
    lastError: null,
  };
}

/**
 * One round: asks for the newest finalised block and takes every unfinished run as far as it gets. With
 * an unknown chain nothing moves; the block that was known before does not go back. A run that fails
 * does not keep the others from advancing; the first failure is thrown at the end. Peers are asked once
 * a block: without a new block, a command or a failure before, a round does nothing.
 */
export async function runRound(state: LoopState, deps: RoundDeps): Promise<void> {
  const head = await deps.finalizedBlock();
  state.chain = head.known ? 'known' : 'unknown';
  state.chainDetail = head.known ? null : `${head.reason}: ${head.detail}`;
  if (!head.known) return;
  state.block = Math.max(state.block ?? 0, head.value);
  if (state.settled === state.block) return;
  const { commands } = state;
  const failures: unknown[] = [];
  for (const run of await deps.unfinishedRuns()) {
    try {
      await deps.advance(run, state.block);
    } catch (error) {
      if (endsTheLoop(error)) throw error;
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  if (state.commands === commands) state.settled = state.block;
}

/**
 * Runs rounds until the signal aborts. An exception restarts the round with back-off and shows in the
 * state; only a second writer (`log.conflict`) or a broken log (`log.broken`) ends the loop, by throwing.
 */
export async function runValidatorLoop(
  state: LoopState,
  pollMs: number,
  deps: LoopDeps,
): Promise<void> {
  while (!deps.signal.aborted) {
    try {
      await deps.round();
      state.failures = 0;
      state.lastError = null;
      await deps.wait(pollMs);
    } catch (error) {
      if (deps.signal.aborted) return;
      if (endsTheLoop(error)) throw error;
      state.failures++;
      state.lastError = error instanceof Error ? error.message : String(error);
      deps.onFailure(error);
      await deps.wait(
        Math.min(BACKOFF_LAST_MS, BACKOFF_FIRST_MS * 2 ** Math.min(state.failures - 1, 16)),
      );
    }
  }
}

/** Faults after which nothing may be appended: a second writer, or a log that does not verify. */
export function endsTheLoop(error: unknown): boolean {
  return isAppError(error, 'log.conflict') || isAppError(error, 'log.broken');
}

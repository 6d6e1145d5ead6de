import { MAX_REFUSALS, MAX_UNREACHABLE } from '../../evaluation/failure-limits.ts';
import type { PairState } from '../../projectors/evaluation-queries.ts';

/** What is next for one (task, miner) pair. */
export type PairStep =
  | Readonly<{ kind: 'settled' }>
  /** Ask the miner, as this attempt or a later one. */
  | Readonly<{ kind: 'invoke'; attempt: number }>
  | Readonly<{ kind: 'gather' }>
  | Readonly<{ kind: 'judge' }>
  /** The verdict stands, and its score is to be recorded. */
  | Readonly<{ kind: 'score' }>
  /** The miner failed the pair. */
  | Readonly<{ kind: 'fail' }>;

/**
 * The next step of a pair, from the log alone: a miner is asked, the ledger tells what it used, the judge tells what the
 * answer is worth. A step that is in the log is never done again; only a service that did not answer is asked once more,
 * and a judge that had no verdict, until either is the miner's failure.
 */
export function nextPairStep({
  invoked,
  evidence,
  judged,
  refusals,
  unreachable,
  lastExcused,
  status,
}: PairState): PairStep {
  if (status !== null) return { kind: 'settled' };
  if (invoked === null) return { kind: 'invoke', attempt: lastExcused + 1 };
  if (invoked.outcome === 'unreachable' && unreachable < MAX_UNREACHABLE)
    return { kind: 'invoke', attempt: Math.max(invoked.attempt, lastExcused) + 1 };
  if (invoked.outcome !== 'completed') return { kind: 'fail' };
  if (evidence === null) return { kind: 'gather' };
  if (evidence.cost.state === 'left') return { kind: 'fail' };
  if (judged !== null) return { kind: 'score' };
  return { kind: refusals < MAX_REFUSALS ? 'judge' : 'fail' };
}

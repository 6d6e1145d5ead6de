import { AppError } from '../errors.ts';
import type { Coverage } from '../events/report.ts';
import type { Fraction } from '../events/scalars.ts';
import { NANO, roundHalfEven } from './nano.ts';

/** A miner judged on less than half of the tasks that count is left out of the report: it was not evaluated. */
const MIN_TASK_SHARE: Fraction = { num: 1, den: 2 };

/** What one validator measured of one miner in a run. */
export type Tally = Readonly<{
  miner: string;
  /** Sum of the scores of the judged pairs, in 1e-9; a pair that the miner failed adds 0. */
  sum: number;
  /** Pairs that count: scored, or failed by the miner. */
  judged: number;
  /** Pairs that our own infrastructure failed: they neither count nor blame the miner. */
  excused: number;
}>;

/** The score map of a report, and how much of the run each of its numbers rests on. */
export type Composites = Readonly<{ scores: Record<string, number>; coverage: Coverage[] }>;

/**
 * This validator's composite of every roster miner: the mean over its judged pairs in 1e-9, rounded
 * half to even. A miner is in `scores` exactly when judged · 2 ≥ tasks that count (`MIN_TASK_SHARE`) and at least
 * one pair was judged; otherwise it is absent, never zero. `coverage` lists every roster miner, sorted
 * by hotkey, with missing = tasks − judged − excused. Tallies of miners outside the roster take no part.
 * Throws `input.invalid` for a repeated miner or counts that contradict each other.
 */
export function compositesOf(facts: {
  /** The roster. */
  miners: readonly string[];
  /** How many tasks of the run count: all, or its sample. */
  taskCount: number;
  tallies: readonly Tally[];
}): Composites {
  const { taskCount, tallies } = facts;
  const byMiner = new Map<string, Tally>();
  for (const tally of tallies) {
    assertTally(tally, taskCount);
    if (byMiner.has(tally.miner)) throw invalid('miner', tally.miner, 'one tally for each miner');
    byMiner.set(tally.miner, tally);
  }
  const scores: Record<string, number> = {};
  const coverage: Coverage[] = [];
  for (const miner of [...new Set(facts.miners)].sort()) {
    const { sum, judged, excused } = byMiner.get(miner) ?? { sum: 0, judged: 0, excused: 0 };
    coverage.push({ miner, judged, excused, missing: taskCount - judged - excused });
    if (judged > 0 && judged * MIN_TASK_SHARE.den >= taskCount * MIN_TASK_SHARE.num) {
      scores[miner] = Number(roundHalfEven(BigInt(sum), BigInt(judged)));
    }
  }
  return { scores, coverage };
}

function assertTally({ miner, sum, judged, excused }: Tally, tasks: number): void {
  const counts = [sum, judged, excused, tasks];
  if (!counts.every((count) => Number.isSafeInteger(count) && count >= 0)) {
    throw invalid('tally', { miner, sum, judged, excused, tasks }, 'integers of at least 0');
  }
  if (judged + excused > tasks) {
    throw invalid('tally', { miner, judged, excused, tasks }, 'no more pairs than tasks');
  }
  if (sum > judged * NANO) {
    throw invalid('tally', { miner, sum, judged }, 'a sum of at most 1 for each judged pair');
  }
}

function invalid(field: string, value: unknown, expected: string): AppError {
  return new AppError('input.invalid', { field, value, expected });
}

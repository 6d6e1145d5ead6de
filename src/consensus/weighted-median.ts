import { AppError } from '../errors.ts';
import { NANO } from './nano.ts';

/** One voter's score of one miner (1e-9), with the voter's stake in rao. */
export type Vote = Readonly<{ hotkey: string; score: number; stake: bigint }>;

/** A score below 2^30 and an index below this share one exact double. */
const MAX_VOTES = 2 ** 22;

/**
 * The lower stake-weighted median: with the votes sorted by (score, hotkey), the first score whose
 * cumulative stake doubled reaches the whole stake. It is always a score that somebody gave, and lies
 * within the honest scores while less than half of the voting stake is dishonest. Votes without stake
 * are dropped; undefined when nothing is left. Throws `input.invalid` for a repeated hotkey, a score
 * outside 0 … 10^9 or a negative stake: those are programming errors.
 */
export function weightedMedian(votes: readonly Vote[]): number | undefined {
  assertVotes(votes);
  let counted = 0;
  let total = 0n;
  const keys = new Float64Array(votes.length);
  for (let index = 0; index < votes.length; index++) {
    const vote = votes[index];
    if (vote === undefined || vote.stake === 0n) continue;
    keys[counted++] = vote.score * MAX_VOTES + index;
    total += vote.stake;
  }
  // Numbers sort ten times faster than records. Among equal scores any order gives the same median,
  // so the index stands in for the hotkey. Doubles from 0 up have the order of the integers with the
  // same bits (IEEE 754), and those sort twice as fast.
  new BigUint64Array(keys.buffer, 0, counted).sort();
  // In integers, 2·cumulative ≥ total says the same as cumulative ≥ ⌈total / 2⌉, which is formed once.
  const half = (total + 1n) / 2n;
  let cumulative = 0n;
  for (const key of keys.subarray(0, counted)) {
    // The index: as exact as a remainder, by a power of two, and several times faster.
    const vote = votes[key - Math.floor(key / MAX_VOTES) * MAX_VOTES];
    if (vote === undefined) break;
    cumulative += vote.stake;
    if (cumulative >= half) return vote.score;
  }
  return undefined;
}

function assertVotes(votes: readonly Vote[]): void {
  if (votes.length >= MAX_VOTES) throw invalid('votes', votes.length, `fewer than ${MAX_VOTES}`);
  let ascending = true;
  let previous = '';
  for (const { hotkey, score, stake } of votes) {
    if (!Number.isInteger(score) || score < 0 || score > NANO) {
      throw invalid(`score of ${hotkey}`, score, `an integer from 0 to ${NANO}`);
    }
    if (stake < 0n) throw invalid(`stake of ${hotkey}`, stake, 'at least 0');
    if (hotkey <= previous) ascending = false;
    previous = hotkey;
  }
  // Votes come in the order of the voters, which is sorted: a set is needed for other orders only.
  if (!ascending && new Set(votes.map(({ hotkey }) => hotkey)).size !== votes.length) {
    throw invalid('votes', votes.length, 'one vote for each hotkey');
  }
}

function invalid(field: string, value: unknown, expected: string): AppError {
  return new AppError('input.invalid', { field, value, expected });
}

import { compositesOf } from '../../consensus/composite.ts';
import { weightedMedian } from '../../consensus/weighted-median.ts';
import { type Candidate, pickWinner } from '../../consensus/winner.ts';
import type { MinerTally } from '../../projectors/owner-evaluations.ts';
import type { RunEndReason, Submission } from '../../projectors/owner-registry.ts';

/** What the owner makes of all validators' results of a miner, in 1e-9. */
export type OfficialScore = Readonly<{
  miner: string;
  submission: string;
  score: number;
  /** Validators whose results cover at least half of the tasks. */
  validators: number;
}>;

/**
 * The official score of every member that a validator judged on at least half of the tasks: the lower median of those
 * validators' means, each validator counting once. Sorted by score, the highest first; among equal ones the earlier
 * submission.
 */
export function officialScores(
  members: readonly Submission[],
  taskCount: number,
  tallies: readonly MinerTally[],
): readonly OfficialScore[] {
  const miners = members.map(({ miner }) => miner);
  const byValidator = [...Map.groupBy(tallies, ({ validator }) => validator)].map(
    ([validator, own]) => ({
      validator,
      scores: compositesOf({ miners, taskCount, tallies: own }).scores,
    }),
  );
  return members
    .toSorted((a, b) => a.order - b.order)
    .flatMap(({ miner, submission }) => {
      const votes = byValidator.flatMap(({ validator, scores }) => {
        const score = scores[miner];
        return score === undefined ? [] : [{ hotkey: validator, score, stake: 1n }];
      });
      const score = weightedMedian(votes);
      return score === undefined ? [] : [{ miner, submission, score, validators: votes.length }];
    })
    .toSorted((a, b) => b.score - a.score);
}

/** How a run ends. */
export type OwnerPick = Readonly<{
  winner: string | null;
  /** The winner's official score. */
  score: number | null;
  reason: RunEndReason;
}>;

/**
 * The best score wins where the winner before it has none in this run; otherwise a challenger needs that winner's score
 * and the margin on top, in whole units of 1e-9. Equal scores go to the earlier submission. A score of zero never wins.
 */
export function pickOf(
  scores: readonly OfficialScore[],
  { previous, margin }: Readonly<{ previous: string | null; margin: number }>,
): OwnerPick {
  // The rule of the consensus, with the order of the submissions in the place of the uid.
  const candidates = scores.map(
    ({ miner, score }, order): Candidate => ({ hotkey: miner, uid: order, median: score }),
  );
  const contest = pickWinner(candidates, { incumbent: previous, margin });
  if (contest.kind === 'no-eligible-miner')
    return { winner: null, score: null, reason: 'no-scores' };
  const { winner } = contest;
  const score = scores.find(({ miner }) => miner === winner)?.score ?? null;
  return { winner, score, reason: REASONS[contest.kind] };
}

const REASONS = {
  'first-winner': 'first-run-best-score',
  'challenger-won': 'challenger-replaced-previous',
  'incumbent-kept': 'previous-winner-retained',
} as const;

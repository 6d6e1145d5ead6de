import { type Vote, weightedMedian } from '#src/consensus/weighted-median.ts';
import { milliseconds, type Rounds, repeat } from './measure.ts';
import { type Benchmark, plainRow, type Row, type Target } from './row.ts';
import { hotkeys, scoreOf } from './workload.ts';

/** Weighted medians of whole subnets. */
export const median: Benchmark = {
  name: 'median',
  summary: 'weighted medians of 256 × 256 and of 1,024 × 4,096 votes',
  measure: async (quick) => {
    const small = [{ of: 'value', is: 'at most', bound: 5 }] as const;
    const once: Rounds = { warmUps: 1, rounds: 2 };
    return [
      await medianRow({ validators: 256, miners: 256, targets: small }, quick ? once : SHORT),
      await medianRow(
        { validators: 1_024, miners: quick ? 64 : 4_096, targets: [] },
        quick ? once : LONG,
      ),
    ];
  },
};

/** Rounds of a few milliseconds, spread over seconds: a short disturbance spoils a few of them only. */
const SHORT: Rounds = { warmUps: 20, rounds: 501 };
const LONG: Rounds = { warmUps: 3, rounds: 15 };

async function medianRow(
  size: Readonly<{ validators: number; miners: number; targets: readonly Target[] }>,
  rounds: Rounds,
): Promise<Row> {
  const { validators, miners, targets } = size;
  const ballots = votes(validators, miners);
  const value = await repeat(
    () => milliseconds(() => ballots.map((ballot) => weightedMedian(ballot))),
    rounds,
  );
  const [v, m] = [validators, miners].map((count) => count.toLocaleString('en-US'));
  const row = { name: `median-${validators}-${miners}`, unit: 'ms' };
  return plainRow(
    { ...row, what: `weighted medians, ${v} validators × ${m} miners` },
    value,
    targets,
  );
}

/** For each miner a vote of each validator, in the order of the voters as `decide` gives them. */
function votes(validators: number, miners: number): readonly (readonly Vote[])[] {
  const voters = hotkeys('validator', validators).map((hotkey, index) => ({
    hotkey,
    // Beyond 2^53 in sum, as rao may be.
    stake: BigInt(scoreOf(index)) * 1_000_000n + 1n,
  }));
  return Array.from({ length: miners }, (_, miner) =>
    voters.map((voter, index) => ({ ...voter, score: scoreOf(miner * validators + index) })),
  );
}

import type { MinerMedian } from '../events/decision.ts';
import type { Fraction } from '../events/scalars.ts';
import type { Seat, Snapshot } from '../events/snapshot.ts';
import { reaches, stakeOf } from './quorum.ts';
import type { Ballot } from './report-inputs.ts';
import { BURN_UID } from './vector.ts';
import { weightedMedian } from './weighted-median.ts';

type Chain = Readonly<{ open: Snapshot; current: Snapshot }>;

/**
 * The standing of every roster miner, sorted by hotkey. Its median is over the voters that scored it.
 * It is `unregistered` when it does not hold the same seat in both snapshots, or holds uid 0;
 * `insufficient` when the stake that scored it, over all voters' stake, is below `minerQuorum`; only
 * an `eligible` miner can win.
 */
export function standingsOf(
  miners: readonly string[],
  ballots: readonly Ballot[],
  chain: Chain,
  minerQuorum: Fraction,
): MinerMedian[] {
  const total = stakeOf(chain.open.voters);
  return [...new Set(miners)].sort().map((miner) => {
    const votes = ballots.flatMap(({ hotkey, stake, scores }) => {
      const score = scores[miner];
      return score === undefined ? [] : [{ hotkey, stake, score }];
    });
    const stake = votes.reduce((sum, vote) => sum + vote.stake, 0n);
    const seat = keptSeat(miner, chain);
    const median = weightedMedian(votes) ?? null;
    return {
      miner,
      uid: seat?.uid ?? null,
      median,
      stake: String(stake),
      status: statusOf(seat, median !== null && reaches(stake, total, minerQuorum)),
    };
  });
}

/** The hotkey's seat now, if it is the one that it held when the run opened; else null. */
export function keptSeat(hotkey: string, { open, current }: Chain): Seat | null {
  const before = seatIn(open, hotkey);
  const now = seatIn(current, hotkey);
  const same = before !== null && now !== null && before.registeredAt === now.registeredAt;
  return same ? now : null;
}

/** A snapshot lists the run's miners, and beside them whom the chain pays. */
function seatIn({ miners, incumbent }: Snapshot, hotkey: string): Seat | null {
  return (
    miners.find((seat) => seat.hotkey === hotkey) ??
    (incumbent?.hotkey === hotkey ? incumbent : null)
  );
}

function statusOf(seat: Seat | null, sufficient: boolean): MinerMedian['status'] {
  if (seat === null || seat.uid === BURN_UID) return 'unregistered';
  return sufficient ? 'eligible' : 'insufficient';
}

import type { Beacon } from './drand.ts';

/** What a subnet's epochs follow from, all of it read at the end of one block. */
export type EpochSchedule = Readonly<{
  block: number;
  netuid: number;
  /** Blocks of an epoch; 0 when the subnet runs none. */
  tempo: number;
  /** The state that the chain keeps from spec 423 on; null before, where the block number alone decides. */
  epoch: StoredEpoch | null;
}>;

type StoredEpoch = Readonly<{
  index: number;
  /** Block of the last epoch. */
  lastBlock: number;
  /** Block that an epoch was put off or called forward to; 0 for none. */
  pendingAt: number;
  blocksSinceLastStep: number;
}>;

/** The epoch that the schedule's block belongs to, by which the chain counts the space of commitments. */
export function epochOf({ block, netuid, tempo, epoch }: EpochSchedule): number {
  return epoch === null ? Math.floor((block + netuid + 1) / (tempo + 1)) : epoch.index;
}

/**
 * The epoch that a weight commit counts for when the next block includes it; in the block that runs an epoch
 * it is the one that begins. Null when the subnet runs none.
 */
export function commitEpoch(schedule: EpochSchedule): number | null {
  const { block, netuid, tempo, epoch } = schedule;
  if (tempo === 0) return null;
  const next = block + 1;
  // The last block of an epoch runs it, and so counts one higher than `epochOf`.
  if (epoch === null) return Math.floor((next + netuid + 2) / (tempo + 1));
  return epoch.index + (nextRun(block, tempo, epoch) === next ? 1 : 0);
}

/**
 * The first block whose commits count for a later epoch than a commit in the next block does; null when the
 * subnet runs none.
 */
export function commitEpochEnd(schedule: EpochSchedule): number | null {
  const reveal = firstRevealBlock(schedule, 1);
  if (reveal === null) return null;
  // Without stored state the block that runs the epoch takes commits of the next one, but reveals none.
  return schedule.epoch === null ? reveal - 1 : reveal;
}

/**
 * Blocks until the subnet's epoch runs; null when it runs none. Without stored state it is 0 in the block
 * that runs it, as the chain counts there; stored state has moved on to the next epoch by then.
 */
export function blocksUntilNextEpoch(schedule: EpochSchedule): number | null {
  const { block, netuid, tempo, epoch } = schedule;
  if (tempo === 0) return null;
  if (epoch === null) return tempo - ((block + netuid + 1) % (tempo + 1));
  return nextRun(block, tempo, epoch) - block;
}

/**
 * The first block that may reveal a timelocked commit of the next block: the first one of the epoch `period`
 * epochs (1 … 100) after the commit's. Null when the subnet runs none. The chain may put an epoch off when
 * too many are due in one block; that is not foreseen, so this is computed anew for each commit.
 */
export function firstRevealBlock(schedule: EpochSchedule, period: number): number | null {
  const { netuid, tempo, epoch } = schedule;
  const committed = commitEpoch(schedule);
  if (committed === null) return null;
  const target = committed + period;
  if (epoch === null) return target * (tempo + 1) - (netuid + 1);
  // A block reveals before it runs the epoch, but its reveals count for the one that begins.
  let { block } = schedule;
  let state = epoch;
  while (state.index < target) {
    block = nextRun(block, tempo, state);
    state = { index: state.index + 1, lastBlock: block, pendingAt: 0, blocksSinceLastStep: 0 };
  }
  return block;
}

/**
 * The drand round that a commit is encrypted to: the one that is published just before block `revealBlock` + 3,
 * counted from `headBlock` and its time by the chain's own clock; 1 at least. An earlier one would show the
 * weights before their reveal; of a later one the chain might have no signature while it still looks for it.
 * The formula is that of the chain's own clients.
 */
export function revealRound({
  timestampMs,
  headBlock,
  revealBlock,
  blockMs,
  beacon,
}: Readonly<{
  timestampMs: number;
  headBlock: number;
  revealBlock: number;
  blockMs: number;
  beacon: Pick<Beacon, 'genesisTime' | 'period'>;
}>): number {
  const dueMs = timestampMs + (revealBlock + SECURITY_BLOCKS - headBlock) * blockMs;
  const sinceGenesisMs = dueMs - beacon.genesisTime * 1_000;
  return Math.max(1, Math.floor(sinceGenesisMs / (beacon.period * 1_000)));
}

/** Blocks after the first reveal block at which the round is out, so that no slow block makes it public early. */
const SECURITY_BLOCKS = 3;

/** Blocks after which the chain runs an epoch whatever the tempo says. */
const MAX_TEMPO = 50_400;

/** The first block after `block` that runs an epoch, by the state at the end of `block`. */
function nextRun(block: number, tempo: number, epoch: StoredEpoch): number {
  const { lastBlock, pendingAt, blocksSinceLastStep } = epoch;
  const next = block + 1;
  const called = pendingAt > 0 ? pendingAt : Infinity;
  const stalled = next + MAX_TEMPO + 1 - blocksSinceLastStep;
  return Math.max(next, Math.min(called, stalled, lastBlock + tempo));
}

import { z } from 'zod';
import { AXON, MAX_VALIDATORS, type Seat, Snapshot, type Voter } from '../events/snapshot.ts';

/** A neuron as the chain tells of it, as far as a snapshot depends on it. */
export type SeenNeuron = Readonly<{
  uid: number;
  hotkey: string;
  coldkey: string;
  /** The runtime's own total stake in rao. */
  stake: bigint;
  permit: boolean;
  active: boolean;
  registeredAt: number;
  /** 0 … 65535: the share that the last tempo's consensus paid. */
  incentive: number;
  /** Base URL of its axon; somebody else chose it. */
  axon: string | null;
}>;

/** The subnet at one finalised block, as far as a snapshot depends on it. */
export type SeenMetagraph = Readonly<{
  block: number;
  blockHash: string;
  neurons: readonly SeenNeuron[];
  hyperparameters: Readonly<{
    /** Total stake in rao from which the chain lets a hotkey set weights. */
    stakeThreshold: bigint;
  }>;
}>;

/** What a snapshot has of the chain, or why what the chain said is of no use. */
export type Seen =
  | Readonly<{ kind: 'snapshot'; snapshot: Snapshot }>
  | Readonly<{ kind: 'unusable'; reason: 'empty' | 'malformed'; detail: string }>;

/**
 * What a run needs to know of the subnet at a block: the neurons that vote (a permit, active, and at least the
 * greater of the chain's threshold and `minStake` of total stake, in rao), the seats of `miners`, and whom the chain
 * pays. The same answer gives the same snapshot to every validator and to every auditor.
 */
export function seeSnapshot(
  { block, blockHash, neurons, hyperparameters: { stakeThreshold } }: SeenMetagraph,
  { miners, minStake }: Readonly<{ miners: readonly string[]; minStake: bigint }>,
): Seen {
  const least = stakeThreshold > minStake ? stakeThreshold : minStake;
  const voters = neurons.filter((neuron) => votes(neuron, least));
  const rowCount = neurons.length;
  if (rowCount === 0 || voters.length === 0)
    return unusable('empty', `${rowCount} neurons, none that votes`);
  if (voters.length > MAX_VALIDATORS)
    return unusable('malformed', `${voters.length} voters, expected at most ${MAX_VALIDATORS}`);
  const fault = contradiction(neurons);
  if (fault !== null) return unusable('malformed', fault);
  const wanted = new Set(miners);
  const snapshot = Snapshot.safeParse({
    block,
    blockHash,
    rowCount,
    voters: voters.map(voterOf).toSorted(byHotkey),
    miners: neurons
      .filter(({ hotkey }) => wanted.has(hotkey))
      .map(seat)
      .toSorted(byHotkey),
    incumbent: incumbentOf(neurons),
  } satisfies Snapshot);
  return snapshot.success
    ? { kind: 'snapshot', snapshot: snapshot.data }
    : unusable('malformed', z.prettifyError(snapshot.error));
}

/**
 * Whose seats a snapshot looks up: the run's miners, and at the decide block also the incumbent of the run's first
 * snapshot; null at the snapshot block, and where that one is unknown.
 */
export function wantedSeats(
  miners: readonly string[],
  open: Pick<Snapshot, 'incumbent'> | null,
): readonly string[] {
  const incumbent = open?.incumbent ?? null;
  return incumbent === null ? miners : [...miners, incumbent.hotkey];
}

function unusable(reason: 'empty' | 'malformed', detail: string): Seen {
  return { kind: 'unusable', reason, detail };
}

/** Yuma's own rule: a permit, active, and at least the threshold of total stake. */
function votes({ permit, active, stake }: SeenNeuron, least: bigint): boolean {
  return permit && active && stake > 0n && stake >= least;
}

/** A key or a uid that stands for two neurons: no rule could count its stake or find its seat. */
function contradiction(neurons: readonly SeenNeuron[]): string | null {
  for (const field of ['hotkey', 'uid'] as const) {
    const seen = new Set<string | number>();
    for (const { [field]: value } of neurons) {
      if (seen.has(value)) return `${field} ${value} of two neurons`;
      seen.add(value);
    }
  }
  return null;
}

function voterOf({ hotkey, coldkey, uid, stake, axon }: SeenNeuron): Voter {
  return {
    hotkey,
    coldkey,
    uid,
    stake: stake.toString(),
    axon: axon !== null && AXON.test(axon) ? axon : null,
  };
}

/**
 * Who gets more than half of what the chain paid to miners. Uid 0 burns: it takes its share of a
 * partial burn and is never the incumbent.
 */
function incumbentOf(neurons: readonly SeenNeuron[]): Seat | null {
  const paid = neurons.filter(({ uid }) => uid !== 0);
  const total = paid.reduce((sum, { incentive }) => sum + incentive, 0);
  const incumbent = paid.find(({ incentive }) => 2 * incentive > total);
  return incumbent === undefined ? null : seat(incumbent);
}

function seat({ hotkey, uid, registeredAt }: SeenNeuron): Seat {
  return { hotkey, uid, registeredAt };
}

function byHotkey(a: { hotkey: string }, b: { hotkey: string }): number {
  return a.hotkey < b.hotkey ? -1 : 1;
}

import { z } from 'zod';
import type { Known, Metagraph, Neuron } from '../chain/chain.ts';
import type { DomainEvent } from '../events/catalogue.ts';
import { detailOf } from '../events/scalars.ts';
import {
  AXON,
  MAX_VALIDATORS,
  type Seat,
  Snapshot,
  type SnapshotPhase,
  type UnknownReason,
  type Voter,
} from '../events/snapshot.ts';
import type { Recorder } from './recorder.ts';

/** Below this share of the rows seen before, an answer is broken: uids are reused, not removed. */
const MIN_ROW_SHARE = { num: 9, den: 10 };

export type SnapshotRequest = Readonly<{
  family: string;
  run: string;
  phase: SnapshotPhase;
  block: number;
  /** Whose seats are wanted: the run's roster, and whoever must be found again. */
  miners: readonly string[];
  /** Rows of the last answer, used or not; null before the first. */
  lastRowCount: number | null;
  /** Voting stake starts here, in rao, unless the chain asks for more. */
  minStake: bigint;
}>;

/**
 * Turns the chain's answer into an event. An empty, shrunken, malformed or missing answer is recorded
 * as missed and changes nothing. A shrunken answer that comes again is believed the second time,
 * because it is then compared with itself.
 */
export function decideSnapshot(request: SnapshotRequest, answer: Known<Metagraph>): DomainEvent {
  const { family, run, phase, block } = request;
  const missed = (reason: UnknownReason, rowCount: number | null, detail: string): DomainEvent => ({
    type: 'snapshot.missed.v1',
    data: {
      family,
      run,
      phase,
      block,
      reason,
      rowCount,
      detail: detailOf(detail),
    },
  });
  if (!answer.known) return missed(answer.reason, null, answer.detail);

  const { neurons, blockHash, hyperparameters } = answer.value;
  const { stakeThreshold } = hyperparameters;
  const minStake = stakeThreshold > request.minStake ? stakeThreshold : request.minStake;
  const voters = neurons.filter((neuron) => votes(neuron, minStake));
  const rowCount = neurons.length;
  if (rowCount === 0 || voters.length === 0)
    // Without a count: a broken answer must not become what the next one is measured against.
    return missed('empty', null, `${rowCount} neurons, none that votes`);
  if (voters.length > MAX_VALIDATORS)
    return missed('malformed', null, `${voters.length} voters, expected at most ${MAX_VALIDATORS}`);
  const fault = contradiction(neurons);
  if (fault !== null) return missed('malformed', null, fault);
  const last = request.lastRowCount ?? rowCount;
  if (rowCount * MIN_ROW_SHARE.den < last * MIN_ROW_SHARE.num) {
    return missed('shrunken', rowCount, `${rowCount} neurons where the last answer had ${last}`);
  }
  const roster = new Set(request.miners);
  const miners = neurons.filter(({ hotkey }) => roster.has(hotkey));
  const snapshot = Snapshot.safeParse({
    block: answer.value.block,
    blockHash,
    rowCount,
    voters: voters.map(voterOf).toSorted(byHotkey),
    miners: miners.map(seat).toSorted(byHotkey),
    incumbent: incumbentOf(neurons),
  } satisfies Snapshot);
  return snapshot.success
    ? { type: 'snapshot.taken.v1', data: { family, run, phase, snapshot: snapshot.data } }
    : missed('malformed', null, z.prettifyError(snapshot.error));
}

/** A key or a uid that stands for two neurons: no rule could count its stake or find its seat. */
function contradiction(neurons: readonly Neuron[]): string | null {
  for (const field of ['hotkey', 'uid'] as const) {
    const seen = new Set<string | number>();
    for (const { [field]: value } of neurons) {
      if (seen.has(value)) return `${field} ${value} of two neurons`;
      seen.add(value);
    }
  }
  return null;
}

function voterOf({ hotkey, coldkey, uid, stake, axon }: Neuron): Voter {
  return {
    hotkey,
    coldkey,
    uid,
    stake: stake.toString(),
    axon: axon !== null && AXON.test(axon) ? axon : null,
  };
}

/**
 * Reads the chain for one phase of a run and records what it said; the same fault is recorded once.
 * Gives the snapshot, or null when it was missed.
 */
export async function takeSnapshot(
  request: SnapshotRequest,
  deps: {
    metagraph: (block: number) => Promise<Known<Metagraph>>;
    missed: readonly Readonly<{ phase: SnapshotPhase; reason: UnknownReason }>[];
    record: Recorder;
  },
): Promise<Snapshot | null> {
  const event = decideSnapshot(request, await deps.metagraph(request.block));
  const recorded =
    event.type === 'snapshot.missed.v1' &&
    deps.missed.some(
      ({ phase, reason }) => phase === event.data.phase && reason === event.data.reason,
    );
  if (!recorded) await deps.record([event]);
  return event.type === 'snapshot.taken.v1' ? event.data.snapshot : null;
}

/** Yuma's own rule: a permit, active, and at least the threshold of total stake. */
function votes({ permit, active, stake }: Neuron, minStake: bigint): boolean {
  return permit && active && stake > 0n && stake >= minStake;
}

/**
 * Who gets more than half of what the chain paid to miners. Uid 0 burns: it takes its share of a
 * partial burn and is never the incumbent.
 */
function incumbentOf(neurons: readonly Neuron[]): Seat | null {
  const paid = neurons.filter(({ uid }) => uid !== 0);
  const total = paid.reduce((sum, { incentive }) => sum + incentive, 0);
  const incumbent = paid.find(({ incentive }) => 2 * incentive > total);
  return incumbent === undefined ? null : seat(incumbent);
}

function seat({ hotkey, uid, registeredAt }: Neuron): Seat {
  return { hotkey, uid, registeredAt };
}

function byHotkey(a: { hotkey: string }, b: { hotkey: string }): number {
  return a.hotkey < b.hotkey ? -1 : 1;
}

import type { Known, Metagraph } from '../chain/chain.ts';
import { seeSnapshot } from '../consensus/snapshot.ts';
import type { DomainEvent } from '../events/catalogue.ts';
import { detailOf } from '../events/scalars.ts';
import type { Snapshot, SnapshotPhase, UnknownReason } from '../events/snapshot.ts';
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

  const seen = seeSnapshot(answer.value, request);
  // Without a count: a broken answer must not become what the next one is measured against.
  if (seen.kind === 'unusable') return missed(seen.reason, null, seen.detail);
  const { snapshot } = seen;
  const { rowCount } = snapshot;
  const last = request.lastRowCount ?? rowCount;
  if (rowCount * MIN_ROW_SHARE.den < last * MIN_ROW_SHARE.num) {
    return missed('shrunken', rowCount, `${rowCount} neurons where the last answer had ${last}`);
  }
  return { type: 'snapshot.taken.v1', data: { family, run, phase, snapshot } };
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

import type { Chain, ChainError, Known, Metagraph } from '../chain/chain.ts';
import { digestOf } from '../consensus/outcome.ts';
import { BURN_UID, sameWeights } from '../consensus/vector.ts';
import type { Snapshot } from '../events/snapshot.ts';
import type { Vector } from '../events/weights.ts';
import type { Recorder } from './recorder.ts';
import { type AttemptRequest, refuse, signExtrinsic } from './sign-extrinsic.ts';

export type WeightsRequest = Omit<AttemptRequest, 'purpose' | 'carries'> &
  Readonly<{
    vector: Vector;
    /** Whom the vector pays; null when it burns everything. */
    winner: string | null;
    /** The newest snapshot of the run, for a chain that does not say who sits where; null when there is none. */
    snapshot: Snapshot | null;
  }>;

/**
 * Signs an intended vector, unless the seat that it pays is somebody else's by now: uids are reused, and
 * a vector names uids. While nobody says who sits there, nothing is signed, and the chain is asked again
 * at the next block. Gives what stood in the way.
 */
export async function signWeights(
  request: WeightsRequest,
  deps: { metagraph: Chain['metagraph']; sign: Chain['sign']; record: Recorder },
): Promise<string | null> {
  const { vector, winner, snapshot, ...rest } = request;
  const attempted = { ...rest, purpose: 'weights', carries: digestOf(vector) } as const;
  const metagraph = await deps.metagraph(request.retry.block);
  const holders = new Map(seatsOf(metagraph, snapshot).map(({ uid, hotkey }) => [uid, hotkey]));
  for (const { uid, weight } of vector) {
    if (uid === BURN_UID || weight === 0) continue;
    const holder = holders.get(uid);
    if (holder === undefined) return `nobody says who sits at uid ${uid}`;
    if (holder === winner) continue;
    const detail = `uid ${uid} is ${holder}'s, and was to pay ${winner ?? 'nobody'}`;
    const error: ChainError = { name: 'SeatChanged', detail, class: 'operator', retryAt: null };
    return refuse(attempted, error, deps);
  }
  return signExtrinsic(attempted, { kind: 'weights', vector }, deps);
}

type Sitting = Readonly<{ uid: number; hotkey: string }>;

/** Who sits where: by the chain now, and where it lists no such uid, by what it said before. */
function seatsOf(metagraph: Known<Metagraph>, snapshot: Snapshot | null): readonly Sitting[] {
  const before =
    snapshot === null
      ? []
      : [...snapshot.miners, ...(snapshot.incumbent === null ? [] : [snapshot.incumbent])];
  return [...before, ...(metagraph.known ? metagraph.value.neurons : [])];
}

/**
 * Compares what the chain holds with what a succeeded attempt carried. Unknown is asked again at the
 * next block.
 */
export async function observeWeights(
  at: Readonly<{ family: string; run: string; attempt: number; vector: Vector; self: string }>,
  deps: { weightsOf: Chain['weightsOf']; record: Recorder },
): Promise<string | null> {
  const { family, run, attempt, vector, self } = at;
  const observed = await deps.weightsOf(self);
  if (!observed.known) return `${observed.reason}: ${observed.detail}`;
  const row = observed.value;
  const matches = sameWeights(row.vector ?? [], vector);
  const detail = matches
    ? 'the chain holds the intended vector'
    : 'the chain holds another vector than intended';
  await deps.record([
    { type: 'weights.observed.v1', data: { family, run, attempt, matches, detail, ...row } },
  ]);
  return matches ? null : detail;
}

import { type ChainFact, chainOf } from '../../consensus/decide.ts';
import { ownerOutcome } from '../../consensus/intended-weights.ts';
import { NANO } from '../../consensus/nano.ts';
import { BURN_UID, burnVector, sameWeights, shareVector } from '../../consensus/vector.ts';
import type { Seat } from '../../events/snapshot.ts';
import type { Vector } from '../../events/weights.ts';
import type { FamilyWeights } from '../audit-context.ts';
import type { Data, RunRecord } from '../run-record.ts';

type Intent = Data<'weights.intended.v1'>;

/**
 * The intent of a run in `owner` mode, where nothing is decided and the log does not say which rules fill a vector
 * up or split the share of a hold. A pick's weights are held against it but for padding. Without a pick that has a
 * seat nobody is paid but the incumbent: of the whole weight it gets some share, and the rest burns; without an
 * incumbent all of it burns; and where the chain is unknown, what was meant last is meant again.
 */
export function unruledIntent(
  data: Intent,
  { ownerPick, facts: { open, current } }: RunRecord,
  { last }: FamilyWeights,
): Intent {
  const seats = current?.known === true ? current.snapshot : null;
  const owner = ownerOutcome(ownerPick, seats, UNPADDED);
  if (owner.kind === 'pick') {
    const { winner } = owner;
    const vector = orPadded(owner.vector, data);
    return { ...data, reason: 'owner-pick', winner, vector, outcome: null };
  }
  const reason = owner.kind === 'unknown' ? 'owner-unknown' : 'owner-pick-unregistered';
  const held = { ...data, reason, outcome: null } as const;
  const chain = chainOf({ open: open ?? UNKNOWN, current: current ?? UNKNOWN });
  if (!chain.known) return { ...held, winner: last?.winner ?? null, vector: last?.vector ?? null };
  const { incumbent } = chain;
  const winner = incumbent?.hotkey ?? null;
  if (incumbent !== null && data.vector !== null && paysOnly(data.vector, incumbent))
    return { ...held, winner, vector: data.vector };
  const vector =
    incumbent === null
      ? burnVector(PADDING)
      : shareVector({ winnerUid: incumbent.uid, familyShare: NANO, ...PADDING });
  return { ...held, winner, vector: orPadded(vector, data) };
}

const UNKNOWN: ChainFact = { known: false, reason: 'unavailable' };
const UNPADDED = 1;
const PADDING = { minVectorLength: UNPADDED, uids: [] };

/** What was recorded, where it gives the same weights. */
function orPadded(vector: Vector, data: Intent): Vector {
  return data.vector !== null && sameWeights(data.vector, vector) ? data.vector : vector;
}

/** Whether all weight is the incumbent's or burns. */
function paysOnly(vector: Vector, { uid: incumbent }: Seat): boolean {
  return vector.every(({ uid, weight }) => weight === 0 || uid === incumbent || uid === BURN_UID);
}

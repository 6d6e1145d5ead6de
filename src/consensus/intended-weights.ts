import type { DomainEvent } from '../events/catalogue.ts';
import type { Certificate, Outcome } from '../events/decision.ts';
import type { Snapshot } from '../events/snapshot.ts';
import type { Vector, WeightMode } from '../events/weights.ts';
import { digestOf } from './outcome.ts';
import { BURN_UID, burnVector, shareVector } from './vector.ts';

type OwnerPick = Extract<DomainEvent, { type: 'owner-pick.observed.v1' }>['data'];

type Intent = Extract<DomainEvent, { type: 'weights.intended.v1' }>['data'];

/** What the owner's pick comes to on the seats of the decide block. */
export type OwnerOutcome =
  | { readonly kind: 'pick'; readonly winner: string | null; readonly vector: Vector }
  | { readonly kind: 'unregistered'; readonly winner: string }
  | { readonly kind: 'unknown' };

export type WeightView = Readonly<{
  family: string;
  run: string;
  mode: WeightMode;
  targetBlock: number;
  /** The certificate that stands for the run, if one does. */
  certificate: Certificate | null;
  owner: OwnerOutcome;
  /** The hold that is shared by all when there is neither certificate nor pick. */
  hold: Outcome;
  /** What this validator last meant to set, and whom that pays. */
  last: Readonly<{ winner: string | null; vector: Vector | null }> | null;
}>;

/**
 * Which vector this validator sets for a run. In `decentralized` mode only a certificate changes the
 * weights; in `owner` and `shadow` mode the owner's pick is set. Whatever is missing holds the
 * incumbent: a hold sets its vector again, because weights decay; where the chain could not even name
 * the incumbent, the vector of the last intent is set again.
 */
export function decideWeights(view: WeightView): Intent {
  const { family, run, mode, targetBlock } = view;
  const common = { family, run, mode, targetBlock };
  if (mode === 'decentralized') {
    if (view.certificate === null) return held(view, view.hold);
    const { outcome } = view.certificate;
    return {
      ...common,
      reason: outcome.reason,
      ...paying(view, outcome),
      outcome: digestOf(outcome),
    };
  }
  switch (view.owner.kind) {
    case 'pick':
      return {
        ...common,
        reason: 'owner-pick',
        winner: view.owner.winner,
        vector: view.owner.vector,
        outcome: null,
      };
    case 'unregistered':
      return held(view, { ...view.hold, reason: 'owner-pick-unregistered' });
    case 'unknown':
      return held(view, { ...view.hold, reason: 'owner-unknown' });
    default:
      return view.owner satisfies never;
  }
}

function held(view: WeightView, hold: Outcome): Intent {
  const { family, run, mode, targetBlock } = view;
  const common = { family, run, mode, targetBlock, reason: hold.reason, outcome: null };
  return { ...common, ...paying(view, hold) };
}

/** Whom an outcome pays; where the chain could not name anybody, whom the last intent paid. */
function paying(
  { last }: WeightView,
  { winner, vector }: Outcome,
): Pick<Intent, 'winner' | 'vector'> {
  if (vector !== null) return { winner: winner?.hotkey ?? null, vector };
  return { winner: last?.winner ?? null, vector: last?.vector ?? null };
}

/** The owner's pick as a vector on the seats of the decide block. */
export function ownerOutcome(
  pick: OwnerPick | null,
  current: Snapshot | null,
  minVectorLength: number,
): OwnerOutcome {
  if (pick === null || current === null) return { kind: 'unknown' };
  const padding = {
    minVectorLength,
    uids: Array.from({ length: current.rowCount }, (_, uid) => uid),
  };
  if (pick.winner === null) return { kind: 'pick', winner: null, vector: burnVector(padding) };
  const seat = current.miners.find(({ hotkey }) => hotkey === pick.winner);
  if (seat === undefined || seat.uid === BURN_UID)
    return { kind: 'unregistered', winner: pick.winner };
  return {
    kind: 'pick',
    winner: pick.winner,
    vector: shareVector({ winnerUid: seat.uid, familyShare: pick.share, ...padding }),
  };
}

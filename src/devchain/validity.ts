import { axonFault } from './axons.ts';
import type { DevCall, DevError, DevState } from './state.ts';
import { hasStake, isHere, passesRateLimit, uidOf } from './subnet.ts';
import { findCommit, type HashRevealCall } from './weights-hash.ts';

/**
 * Why the pool takes no call, by the number of the runtime's custom validity error; null when it takes it.
 * `state.block` is the block that the call would be in.
 */
export function invalidity(state: DevState, call: DevCall, signer: string): number | null {
  switch (call.call) {
    case 'System.remark':
    case 'Commitments.set_commitment':
      return null;
    case 'SubtensorModule.serve_axon':
      return axonInvalidity(axonFault(state, call, signer));
    case 'SubtensorModule.set_weights':
    case 'SubtensorModule.set_mechanism_weights':
      // With commit-reveal the dispatch says so; the rate limit is the commits'.
      return weightsInvalidity(state, call, signer, !state.params.commitRevealEnabled);
    case 'SubtensorModule.commit_weights':
    case 'SubtensorModule.commit_mechanism_weights':
      return weightsInvalidity(state, call, signer, true);
    case 'SubtensorModule.commit_timelocked_mechanism_weights':
      return (
        weightsInvalidity(state, call, signer, true) ??
        (call.revealRound < state.drand.lastStoredRound ? CUSTOM.InvalidRevealRound : null)
      );
    case 'SubtensorModule.reveal_weights':
    case 'SubtensorModule.reveal_mechanism_weights':
      return weightsInvalidity(state, call, signer, false) ?? revealInvalidity(state, call, signer);
  }
}

function weightsInvalidity(
  state: DevState,
  target: Readonly<{ netuid: number; mecid: number }>,
  signer: string,
  isLimited: boolean,
): number | null {
  // Another subnet's error comes from the dispatch.
  if (!isHere(state, target)) return null;
  const uid = uidOf(state, signer);
  if (uid === undefined) return CUSTOM.HotKeyNotRegisteredInNetwork;
  if (!hasStake(state, uid)) return CUSTOM.StakeAmountTooLow;
  return isLimited && !passesRateLimit(state, uid, state.block) ? CUSTOM.RateLimitExceeded : null;
}

function revealInvalidity(state: DevState, call: HashRevealCall, signer: string): number | null {
  const found = findCommit(state, call, signer);
  if (typeof found !== 'string') return null;
  return found === 'RevealTooEarly' || found === 'ExpiredWeightCommit'
    ? CUSTOM.CommitBlockNotInRevealRange
    : CUSTOM.CommitNotFound;
}

function axonInvalidity(fault: DevError['name'] | null): number | null {
  if (fault === null) return null;
  return new Map<string, number>(Object.entries(CUSTOM)).get(fault) ?? CUSTOM.BadRequest;
}

/** Validity errors by the numbers of the runtime. */
const CUSTOM = {
  StakeAmountTooLow: 1,
  RateLimitExceeded: 6,
  HotKeyNotRegisteredInNetwork: 10,
  InvalidIpAddress: 11,
  ServingRateLimitExceeded: 12,
  InvalidPort: 13,
  InvalidRevealRound: 15,
  CommitNotFound: 16,
  CommitBlockNotInRevealRange: 17,
  BadRequest: 255,
} as const;

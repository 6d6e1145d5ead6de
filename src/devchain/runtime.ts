import { createHash } from 'node:crypto';
import { publicKeyOf, signRound } from '../chain/drand.ts';
import { serveAxon } from './axons.ts';
import { setCommitment } from './commitments.ts';
import { runEpoch } from './epoch.ts';
import { blocksUntilEpoch } from './epoch-schedule.ts';
import type { Genesis } from './genesis.ts';
import { stateOf } from './genesis-state.ts';
import { done, type Outcome } from './outcome.ts';
import { storePulses } from './pulses.ts';
import { revealTimelocked } from './reveal.ts';
import type { DevCall, DevEvent, DevState } from './state.ts';
import { invalidity } from './validity.ts';
import { setWeights } from './weights.ts';
import { commitTimelocked } from './weights-commit.ts';
import { commitHash, revealHash } from './weights-hash.ts';

/** The chain's own drand beacon. Its secret is in no state. */
export type Beacon = Readonly<{
  /** In G2, 192 hex digits. */
  publicKey: string;
  /** The signature of a round in G1, 48 bytes. Costs milliseconds. */
  sign: (round: number) => Uint8Array;
}>;

/** The beacon that a genesis names by its seed. */
export function beaconOf({ beacon }: Genesis): Beacon {
  // A digest is 0 modulo the order of the group for no seed that anybody will find.
  const secret = createHash('sha256').update(BEACON_DOMAIN).update(beacon.seed, 'hex').digest();
  return {
    publicKey: Buffer.from(publicKeyOf(secret)).toString('hex'),
    sign: (round) => signRound(secret, round),
  };
}

/** The state of block 0. */
export function genesisState(genesis: Genesis): DevState {
  const { publicKey } = beaconOf(genesis);
  return stateOf(genesis, publicKey);
}

/**
 * What a block does before its extrinsics: the clock and the beacon advance, commits whose reveal is due
 * become weights, and the epoch runs when it is due, in this order.
 */
export function startBlock(
  parent: DevState,
  { sign }: Beacon,
): Readonly<{ state: DevState; events: readonly DevEvent[] }> {
  const opened = {
    ...parent,
    block: parent.block + 1,
    timestampMs: parent.timestampMs + parent.params.slotMs,
    blocksSinceLastStep: parent.blocksSinceLastStep + 1,
  };
  const { state, events } = revealTimelocked(storePulses(opened, sign));
  return { state: blocksUntilEpoch(state) === 0 ? runEpoch(state) : state, events };
}

/**
 * Whether the pool takes a call: null, or the number of the runtime's custom validity error. The call is
 * judged for `block`, by default the one after the state's.
 */
export function validate(
  state: DevState,
  call: DevCall,
  signer: string,
  block: number = state.block + 1,
): Readonly<{ custom: number }> | null {
  const custom = invalidity({ ...state, block }, call, signer);
  return custom === null ? null : { custom };
}

/**
 * Applies a call to the state. The caller counts the nonce, stamps the events with the extrinsic, and adds
 * ExtrinsicSuccess or ExtrinsicFailed.
 */
export function dispatch(state: DevState, call: DevCall, signer: string): Outcome {
  switch (call.call) {
    case 'System.remark':
      return done(state);
    case 'SubtensorModule.set_weights':
    case 'SubtensorModule.set_mechanism_weights':
      return setWeights(state, { ...call, uids: call.dests, values: call.weights }, signer);
    case 'SubtensorModule.commit_timelocked_mechanism_weights':
      return commitTimelocked(state, call, signer);
    case 'SubtensorModule.commit_weights':
    case 'SubtensorModule.commit_mechanism_weights':
      return commitHash(state, call, signer);
    case 'SubtensorModule.reveal_weights':
    case 'SubtensorModule.reveal_mechanism_weights':
      return revealHash(state, call, signer);
    case 'SubtensorModule.serve_axon':
      return serveAxon(state, call, signer);
    case 'Commitments.set_commitment':
      return setCommitment(state, call, signer);
  }
}

/** Keeps a seed that is also used elsewhere from being the key itself. */
const BEACON_DOMAIN = 'eirel/devchain/beacon/v1\n';

import { epochIndex } from './epoch-schedule.ts';
import { blake2b256 } from './hex.ts';
import { done, failed, type Outcome } from './outcome.ts';
import { encode, tuple, vec } from './scale.ts';
import { u16, u64 } from './scale-basic.ts';
import type { DevCall, DevState, HashCommit } from './state.ts';
import { storageIndex, uidOf, withNeuron } from './subnet.ts';
import { account } from './types.ts';
import { storeWeights } from './weights.ts';
import { faultOfCommitter, faultOfFlag, MAX_UNREVEALED } from './weights-commit.ts';

export type HashCommitCall = Extract<
  DevCall,
  { call: 'SubtensorModule.commit_weights' | 'SubtensorModule.commit_mechanism_weights' }
>;
export type HashRevealCall = Extract<
  DevCall,
  { call: 'SubtensorModule.reveal_weights' | 'SubtensorModule.reveal_mechanism_weights' }
>;

/** Keeps the hash of weights that their owner reveals later. */
export function commitHash(state: DevState, call: HashCommitCall, hotkey: string): Outcome {
  const uid = uidOf(state, hotkey);
  const live = liveCommits(state, hotkey);
  const fault =
    faultOfFlag(state, call) ??
    faultOfCommitter(state, call, uid) ??
    (live.length < MAX_UNREVEALED ? null : 'TooManyUnrevealedCommits');
  if (fault !== null || uid === undefined)
    return failed('SubtensorModule', fault ?? 'HotKeyNotRegisteredInSubNet');
  const commit = { hotkey, hash: call.commitHash, epoch: epochIndex(state), block: state.block };
  return done(
    {
      ...withNeuron(state, uid, { lastUpdate: state.block }),
      hashCommits: [...othersCommits(state, hotkey), ...live, commit],
    },
    {
      extrinsic: null,
      event: 'SubtensorModule.WeightsCommitted',
      hotkey,
      index: storageIndex(call.netuid, call.mecid),
      commitHash: call.commitHash,
    },
  );
}

/** Sets the weights of a hash, in exactly the reveal epoch. Commits before the revealed one are given up. */
export function revealHash(state: DevState, call: HashRevealCall, hotkey: string): Outcome {
  const flag = faultOfFlag(state, call);
  if (flag !== null) return failed('SubtensorModule', flag);
  const found = findCommit(state, call, hotkey);
  if (typeof found === 'string') return failed('SubtensorModule', found);
  const later = liveCommits(state, hotkey);
  const outcome = storeWeights(
    {
      ...state,
      hashCommits: [...othersCommits(state, hotkey), ...later.slice(later.indexOf(found) + 1)],
    },
    call,
    hotkey,
  );
  if (outcome.kind === 'error') return outcome;
  return done(outcome.state, ...outcome.events, {
    extrinsic: null,
    event: 'SubtensorModule.WeightsRevealed',
    hotkey,
    index: storageIndex(call.netuid, call.mecid),
    commitHash: found.hash,
  });
}

/** The commit that a reveal opens, or why it opens none. */
export function findCommit(
  state: DevState,
  call: HashRevealCall,
  hotkey: string,
):
  | HashCommit
  | 'NoWeightsCommitFound'
  | 'ExpiredWeightCommit'
  | 'InvalidRevealCommitHashNotMatch'
  | 'RevealTooEarly' {
  const own = state.hashCommits.filter((commit) => commit.hotkey === hotkey);
  if (own.length === 0) return 'NoWeightsCommitFound';
  const hash = weightsHash(call, hotkey);
  const found = liveCommits(state, hotkey).find((commit) => commit.hash === hash);
  if (found !== undefined)
    return epochIndex(state) < found.epoch + state.params.revealPeriodEpochs
      ? 'RevealTooEarly'
      : found;
  return own.some((commit) => commit.hash === hash)
    ? 'ExpiredWeightCommit'
    : 'InvalidRevealCommitHashNotMatch';
}

/** BLAKE2b-256 of SCALE (hotkey, storage index, uids, values, salt, version key), 64 hex digits. */
export function weightsHash(
  call: Pick<HashRevealCall, 'netuid' | 'mecid' | 'uids' | 'values' | 'salt' | 'versionKey'>,
  hotkey: string,
): string {
  const { netuid, mecid, uids, values, salt, versionKey } = call;
  const index = storageIndex(netuid, mecid);
  return blake2b256(encode(hashed, [hotkey, index, uids, values, salt, versionKey]));
}

const hashed = tuple(account, u16, vec(u16), vec(u16), vec(u16), u64);

/** What of a hotkey can still be revealed, oldest first: the pallet drops the rest when it next looks. */
function liveCommits(state: DevState, hotkey: string): HashCommit[] {
  return state.hashCommits.filter(
    (commit) =>
      commit.hotkey === hotkey &&
      commit.epoch + state.params.revealPeriodEpochs >= epochIndex(state),
  );
}

function othersCommits(state: DevState, hotkey: string): HashCommit[] {
  return state.hashCommits.filter((commit) => commit.hotkey !== hotkey);
}

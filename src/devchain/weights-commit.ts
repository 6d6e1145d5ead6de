import { commitEpoch } from './epoch-schedule.ts';
import { blake2b256 } from './hex.ts';
import { done, failed, type Outcome } from './outcome.ts';
import { encode } from './scale.ts';
import { bytes } from './scale-basic.ts';
import type { DevCall, DevError, DevState } from './state.ts';
import { isHere, passesRateLimit, storageIndex, uidOf, withNeuron } from './subnet.ts';

/** Commits that a hotkey may have open at once, of either kind. */
export const MAX_UNREVEALED = 10;

export type TimelockedCommitCall = Extract<
  DevCall,
  { call: 'SubtensorModule.commit_timelocked_mechanism_weights' }
>;

/** Keeps a timelocked commit for the reveal epoch. The commit counts as the update of the weights. */
export function commitTimelocked(
  state: DevState,
  call: TimelockedCommitCall,
  hotkey: string,
): Outcome {
  const uid = uidOf(state, hotkey);
  const epoch = commitEpoch(state);
  const unrevealed = state.timelocked.filter(
    (commit) => commit.hotkey === hotkey && commit.epoch === epoch,
  );
  const fault =
    faultOfFlag(state, call) ??
    (call.commitRevealVersion === state.params.commitRevealVersion
      ? null
      : 'IncorrectCommitRevealVersion') ??
    faultOfCommitter(state, call, uid) ??
    (unrevealed.length < MAX_UNREVEALED ? null : 'TooManyUnrevealedCommits');
  if (fault !== null || uid === undefined)
    return failed('SubtensorModule', fault ?? 'HotKeyNotRegisteredInSubNet');
  const { commit, revealRound: round } = call;
  return done(
    {
      ...withNeuron(state, uid, { lastUpdate: state.block }),
      timelocked: [...state.timelocked, { hotkey, epoch, block: state.block, commit, round }],
    },
    {
      extrinsic: null,
      event: 'SubtensorModule.TimelockedWeightsCommitted',
      hotkey,
      index: storageIndex(call.netuid, call.mecid),
      commitHash: blake2b256(encode(bytes, commit)),
      round,
    },
  );
}

/** Why commits of this subnet are not taken at all. */
export function faultOfFlag(state: DevState, target: Target): DevError['name'] | null {
  return isHere(state, target) && !state.params.commitRevealEnabled ? 'CommitRevealDisabled' : null;
}

/** Why a hotkey may not commit now. */
export function faultOfCommitter(
  state: DevState,
  target: Target,
  uid: number | undefined,
): DevError['name'] | null {
  if (!isHere(state, target)) return 'MechanismDoesNotExist';
  if (uid === undefined) return 'HotKeyNotRegisteredInSubNet';
  return passesRateLimit(state, uid, state.block) ? null : 'CommittingWeightsTooFast';
}

type Target = Readonly<{ netuid: number; mecid: number }>;

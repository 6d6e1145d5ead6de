import { done, failed, type Outcome } from './outcome.ts';
import type { DevError, DevState, WeightPair } from './state.ts';
import { hasStake, isHere, passesRateLimit, storageIndex, uidOf, withNeuron } from './subnet.ts';

/** Weights that a hotkey wants stored, whichever call brought them. */
export type WeightsRequest = Readonly<{
  netuid: number;
  mecid: number;
  uids: readonly number[];
  values: readonly number[];
  versionKey: bigint;
}>;

/** The plain setters, `set_weights` and `set_mechanism_weights`: only where nothing has to be committed first. */
export function setWeights(state: DevState, request: WeightsRequest, hotkey: string): Outcome {
  return isHere(state, request) && state.params.commitRevealEnabled
    ? failed('SubtensorModule', 'CommitRevealEnabled')
    : storeWeights(state, request, hotkey);
}

/** Stores weights after every check of the pallet, in its order: the first that fails is the error. */
export function storeWeights(state: DevState, request: WeightsRequest, hotkey: string): Outcome {
  const uid = uidOf(state, hotkey);
  const fault = faultOfCaller(state, request, uid) ?? faultOfRow(state, request, uid);
  if (fault !== null || uid === undefined)
    return failed('SubtensorModule', fault ?? NOT_REGISTERED);
  const values = maxUpscale(request.values);
  const row: WeightPair[] = request.uids.map((target, index) => [target, values[index] ?? 0]);
  const stored = { ...state, weights: new Map(state.weights).set(uid, row) };
  return done(
    // With commit-reveal the commit is what counts as the update.
    state.params.commitRevealEnabled
      ? stored
      : withNeuron(stored, uid, { lastUpdate: state.block }),
    {
      extrinsic: null,
      event: 'SubtensorModule.WeightsSet',
      index: storageIndex(request.netuid, request.mecid),
      uid,
    },
  );
}

/**
 * Scales so that the largest value is 65,535, with the rounding of the pallet's 32-bit fractions: half
 * away from zero, after a factor or quotient that is cut. All zeros stay.
 */
export function maxUpscale(values: readonly number[]): number[] {
  const max = BigInt(Math.max(0, ...values));
  if (max === 0n) return [...values];
  const factor = (U16_MAX << FRACTION_BITS) / max;
  return values.map((value) => {
    const scaled =
      max > HALF_U16 ? BigInt(value) * factor : ((BigInt(value) * U16_MAX) << FRACTION_BITS) / max;
    return Number((scaled + HALF) >> FRACTION_BITS);
  });
}

const NOT_REGISTERED = 'HotKeyNotRegisteredInSubNet';
const ROOT_NETUID = 0;
const U16_MAX = 65_535n;
/** Above it the pallet divides before it multiplies. */
const HALF_U16 = 32_768n;
const FRACTION_BITS = 32n;
const HALF = 1n << 31n;

function faultOfCaller(
  state: DevState,
  request: WeightsRequest,
  uid: number | undefined,
): DevError['name'] | null {
  const { params, neurons } = state;
  if (request.netuid === ROOT_NETUID) return 'CanNotSetRootNetworkWeights';
  if (request.uids.length !== request.values.length) return 'WeightVecNotEqualSize';
  if (!isHere(state, request)) return 'MechanismDoesNotExist';
  if (request.uids.length > neurons.length) return 'UidsLengthExceedUidsInSubNet';
  if (uid === undefined) return NOT_REGISTERED;
  if (!hasStake(state, uid)) return 'NotEnoughStakeToSetWeights';
  if (params.weightsVersionKey !== 0n && request.versionKey < params.weightsVersionKey)
    return 'IncorrectWeightVersionKey';
  if (!params.commitRevealEnabled && !passesRateLimit(state, uid, state.block))
    return 'SettingWeightsTooFast';
  return null;
}

function faultOfRow(
  { params, neurons }: DevState,
  { uids }: WeightsRequest,
  uid: number | undefined,
): DevError['name'] | null {
  const isSelfWeight = uids.length === 1 && uids[0] === uid;
  const caller = neurons[uid ?? -1];
  if (!isSelfWeight && caller?.permit !== true && caller?.hotkey !== params.ownerHotkey)
    return 'NeuronNoValidatorPermit';
  if (new Set(uids).size !== uids.length) return 'DuplicateUids';
  if (uids.some((target) => target >= neurons.length)) return 'UidVecContainInvalidOne';
  // Entries count, those of weight zero too. The maximum weight is 65,535, so MaxWeightExceeded cannot be.
  if (!isSelfWeight && uids.length < Math.min(params.minAllowedWeights, neurons.length))
    return 'WeightVecLengthIsLow';
  return null;
}

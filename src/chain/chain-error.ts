import { detailOf } from '../events/scalars.ts';
import type { ChainError } from './chain.ts';

/**
 * An error of the chain, of the pool, or found before sending, under the pallet's own name where it has
 * one. `retryAt` is the block from which another attempt can pass, null where none is known. A detail
 * is cut to what an event of the log takes.
 */
export function chainError(
  name: string,
  detail: string,
  retryAt: number | null = null,
): ChainError {
  return { name, detail: detailOf(detail), class: classOf(name), retryAt };
}

/** Who can mend an error. One that is not in the table is new to us, so a person has to look. */
export function classOf(name: string): ChainError['class'] {
  return CLASSES.get(name) ?? 'operator';
}

/**
 * The pallet's name behind `Custom error: N` of the transaction pool, or null for one that concerns no
 * call of ours. The pool has one number for several rate limits; which one follows from the call.
 */
export function customErrorName(code: number, call: string): string | null {
  if (code !== RATE_LIMIT_EXCEEDED) return CUSTOM_ERRORS.get(code) ?? null;
  return call.includes('.commit_') ? 'CommittingWeightsTooFast' : 'SettingWeightsTooFast';
}

const NAMES: Readonly<Record<ChainError['class'], readonly string[]>> = {
  // Passes by itself, at a block that is known for most of them.
  wait: [
    'SettingWeightsTooFast',
    'CommittingWeightsTooFast',
    'TooManyUnrevealedCommits',
    'EpochEnding',
    'SpaceLimitExceeded',
    'TxRateLimitExceeded',
    'NetworkTxRateLimitExceeded',
    'ServingRateLimitExceeded',
    'PriorityTooLow',
  ],
  // The rules changed since they were read, or the extrinsic is too old: build it again.
  stale: [
    'CommitRevealEnabled',
    'CommitRevealDisabled',
    'IncorrectCommitRevealVersion',
    'InvalidRevealRound',
    'MechanismDoesNotExist',
    'BadSignature',
    'AncientBirthBlock',
    'OutcomeUndetermined',
  ],
  // The hotkey, its stake or its configuration: the same call fails until somebody changes one of them.
  operator: [
    'IncorrectWeightVersionKey',
    'NeuronNoValidatorPermit',
    'NotEnoughStakeToSetWeights',
    'HotKeyNotRegisteredInSubNet',
    'HotKeyNotRegisteredInNetwork',
    'AccountNotAllowedCommit',
    'InabilityToPayFees',
    'ColdkeyInSwapSchedule',
    'ColdkeySwapDisputed',
    'SubnetNotExists',
    'NoEpochs',
    'SigningKeyMissing',
    'UnknownSignedExtension',
    'InvalidIpType',
    'InvalidIpAddress',
    'InvalidPort',
    'BadRequest',
  ],
  // A call that must not have been built.
  bug: [
    'WeightVecLengthIsLow',
    'WeightVecNotEqualSize',
    'DuplicateUids',
    'UidVecContainInvalidOne',
    'UidsLengthExceedUidsInSubNet',
    'MaxWeightExceeded',
    'CanNotSetRootNetworkWeights',
    'TooManyFieldsInCommitmentInfo',
    'InvalidCommitmentField',
    'InputLengthsUnequal',
    'MalformedExtrinsic',
  ],
  // The node or the whole network takes nothing of the kind at present.
  network: [
    'CallDisabled',
    'CallFiltered',
    'CallNotSupported',
    'ExhaustsResources',
    'UnknownValidity',
    'TemporarilyBanned',
    'PoolFull',
    'SubmissionRefused',
  ],
};

const CLASSES: ReadonlyMap<string, ChainError['class']> = new Map(
  (['wait', 'stale', 'operator', 'bug', 'network'] as const).flatMap((kind) =>
    NAMES[kind].map((name): [string, ChainError['class']] => [name, kind]),
  ),
);

/** The runtime's one number for every rate limit. */
const RATE_LIMIT_EXCEEDED = 6;

/** The runtime's numbers for what its transaction extensions refuse. */
const CUSTOM_ERRORS: ReadonlyMap<number, string> = new Map([
  [0, 'ColdkeyInSwapSchedule'],
  [1, 'NotEnoughStakeToSetWeights'],
  [3, 'SubnetNotExists'],
  [10, 'HotKeyNotRegisteredInSubNet'],
  [11, 'InvalidIpAddress'],
  [12, 'ServingRateLimitExceeded'],
  [13, 'InvalidPort'],
  [15, 'InvalidRevealRound'],
  [18, 'InputLengthsUnequal'],
  [19, 'HotKeyNotRegisteredInSubNet'],
  [21, 'ColdkeySwapDisputed'],
  [255, 'BadRequest'],
]);

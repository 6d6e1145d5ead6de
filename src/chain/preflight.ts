import { axonAddress } from './axon.ts';
import type { Call, ChainError } from './chain.ts';
import { chainError } from './chain-error.ts';
import { preflightCommitment } from './preflight-commitment.ts';
import { firstRevealBlock } from './reveal-schedule.ts';
import type { Own, SubmissionFacts } from './submission-facts.ts';

/**
 * The first of the chain's checks that a call would fail in the block after these facts, or null. With
 * commit-reveal on the checks of the reveal are made as well, because the chain tells nobody when one of
 * them fails there. Order and names are those of the runtime: its pool's first, then the pallet's.
 */
export function preflight(call: Call, facts: SubmissionFacts, own: Own): ChainError | null {
  switch (call.kind) {
    case 'weights':
      return preflightWeights(call.vector, facts, own);
    case 'commitment':
      return preflightCommitment(call, facts, own);
    case 'axon':
      return preflightAxon(call.url, facts, own);
  }
}

/** The drand round of a timelocked commit against the newest one that the chain has stored. */
export function preflightRound(round: number, facts: SubmissionFacts): ChainError | null {
  const { lastStoredRound } = facts.drand;
  if (round > lastStoredRound) return null;
  return chainError(
    'InvalidRevealRound',
    `round ${round} is public: the chain has stored round ${lastStoredRound}`,
  );
}

type Vector = Extract<Call, { kind: 'weights' }>['vector'];

/** Unrevealed timelocked commits that a hotkey may have in one epoch. */
const MAX_UNREVEALED_COMMITS = 10;

/** Netuid 0 is the root network, which takes no weights of this kind. */
const ROOT_NETUID = 0;

function preflightWeights(vector: Vector, facts: SubmissionFacts, own: Own): ChainError | null {
  if (own.netuid === ROOT_NETUID)
    return chainError('CanNotSetRootNetworkWeights', 'netuid 0 is the root network');
  if (vector.length > facts.uidCount)
    return chainError(
      'UidsLengthExceedUidsInSubNet',
      `${vector.length} weights, the subnet has ${facts.uidCount} uids`,
    );
  const { neuron } = facts;
  if (neuron === null)
    return chainError(
      'HotKeyNotRegisteredInSubNet',
      `${own.hotkey} has no uid in subnet ${own.netuid}`,
    );
  if (!neuron.owner && neuron.stake < facts.stakeThreshold)
    return chainError(
      'NotEnoughStakeToSetWeights',
      `${own.hotkey} has a stake of ${neuron.stake} rao, the threshold is ${facts.stakeThreshold}`,
    );
  // A commit shows its version key only at the reveal, which comes after everything else.
  return (
    (facts.commitReveal.enabled ? null : versionError(facts, own)) ??
    rateLimitError(neuron, facts) ??
    unrevealedError(facts, own) ??
    versionError(facts, own) ??
    rowError(vector, neuron, facts)
  );
}

function versionError({ weightsVersion }: SubmissionFacts, own: Own): ChainError | null {
  if (weightsVersion === 0n || own.versionKey >= weightsVersion) return null;
  return chainError(
    'IncorrectWeightVersionKey',
    `our version key is ${own.versionKey}, the chain asks for at least ${weightsVersion}`,
  );
}

type Neuron = NonNullable<SubmissionFacts['neuron']>;

function rateLimitError({ lastUpdate }: Neuron, facts: SubmissionFacts): ChainError | null {
  const { block, weightsRateLimit, commitReveal } = facts;
  const opensAt = lastUpdate + weightsRateLimit;
  if (lastUpdate === 0 || block + 1 >= opensAt) return null;
  return chainError(
    commitReveal.enabled ? 'CommittingWeightsTooFast' : 'SettingWeightsTooFast',
    `last update in block ${lastUpdate}, the next may be ${weightsRateLimit} blocks later; this is block ${block}`,
    Number.isSafeInteger(opensAt) ? opensAt : null,
  );
}

function unrevealedError(facts: SubmissionFacts, own: Own): ChainError | null {
  const { enabled, unrevealed } = facts.commitReveal;
  if (!enabled || unrevealed < MAX_UNREVEALED_COMMITS) return null;
  return chainError(
    'TooManyUnrevealedCommits',
    `${unrevealed} commits of ${own.hotkey} wait for their reveal, the limit is ${MAX_UNREVEALED_COMMITS}`,
    firstRevealBlock({ ...facts, netuid: own.netuid }, 1),
  );
}

function rowError(
  vector: Vector,
  neuron: Neuron,
  { uidCount, minAllowedWeights }: SubmissionFacts,
): ChainError | null {
  const uids = vector.map(({ uid }) => uid);
  const isSelfWeight = uids.length === 1 && uids[0] === neuron.uid;
  if (!isSelfWeight && !neuron.permit && !neuron.owner)
    return chainError('NeuronNoValidatorPermit', `uid ${neuron.uid} has no validator permit`);
  const twice = uids.find((uid, index) => uids.indexOf(uid) !== index);
  if (twice !== undefined) return chainError('DuplicateUids', `uid ${twice} is in it twice`);
  const unknown = uids.find((uid) => uid >= uidCount);
  if (unknown !== undefined)
    return chainError('UidVecContainInvalidOne', `uid ${unknown}, the subnet has ${uidCount} uids`);
  // Entries count, those of weight zero too.
  const least = Math.min(minAllowedWeights, uidCount);
  if (isSelfWeight || vector.length >= least) return null;
  return chainError(
    'WeightVecLengthIsLow',
    `${vector.length} entries, the subnet asks for at least ${least}`,
  );
}

function preflightAxon(url: string, { neuron }: SubmissionFacts, own: Own): ChainError | null {
  if (neuron === null)
    return chainError(
      'HotKeyNotRegisteredInNetwork',
      `${own.hotkey} has no uid in subnet ${own.netuid}`,
    );
  if (axonAddress(url) !== null) return null;
  return chainError(
    'InvalidIpAddress',
    `${JSON.stringify(url)} is not of the form http://192.0.2.7:8091 or http://[2001:db8::7]:8091`,
  );
}

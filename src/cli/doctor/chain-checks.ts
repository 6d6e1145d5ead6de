import type { Known, Metagraph, Neuron } from '../../chain/chain.ts';
import { type Finding, fault, ok, unknown, warning } from './finding.ts';

/** The chain as the first node that answers shows it. */
export type ChainFacts = Readonly<{
  endpoint: string;
  spec: number;
  /** The chain's own time at its newest finalised block. */
  timestampMs: number;
  metagraph: Metagraph;
}>;

export type Expected = Readonly<{
  /** Null when the key can't be used. */
  hotkey: string | null;
  netuid: number;
  nowMs: number;
  minStake: bigint;
  versionKey: bigint;
  minVectorLength: number;
  weightInterval: number;
}>;

/** Blocks are 12 s apart and final after two or three: this is several times that. */
const MAX_HEAD_AGE_MS = 180_000;
/** A clock that is ahead of the chain: blocks carry the time of their author, good to seconds. */
const MAX_CLOCK_AHEAD_MS = 12_000;

/** Whether a node answers, for the right network, and how old its newest finalised block is. */
export function checkNode(chain: Known<ChainFacts>, { nowMs }: Expected): readonly Finding[] {
  if (!chain.known)
    return [
      fault(
        'node',
        `${chain.reason}: ${chain.detail}`,
        'give nodes that answer in EIREL_CHAIN_ENDPOINTS, of the network in EIREL_CHAIN_GENESIS',
      ),
      unknown('clock', 'the chain does not answer'),
    ];
  const { endpoint, spec, timestampMs, metagraph } = chain.value;
  const age = nowMs - timestampMs;
  const at = `finalised block ${metagraph.block} of ${seconds(age)} ago`;
  return [
    ok('node', `${endpoint}, runtime ${spec}`),
    age < -MAX_CLOCK_AHEAD_MS
      ? fault('clock', `this machine is ${seconds(-age)} behind the chain`, 'run an NTP client')
      : age > MAX_HEAD_AGE_MS
        ? fault(
            'clock',
            at,
            'the node lags, finality stalls, or this clock is ahead: compare with another node, run an NTP client',
          )
        : ok('clock', at),
  ];
}

/** Whether the hotkey may vote and set weights in the subnet, and what the subnet asks of weights. */
export function checkSeat(chain: Known<ChainFacts>, expected: Expected): readonly Finding[] {
  if (!chain.known)
    return [...SEAT, 'limits'].map((name) => unknown(name, 'the chain does not answer'));
  const { metagraph } = chain.value;
  return [...checkNeuron(metagraph, expected), checkLimits(metagraph, expected)];
}

/** What is to be said of a neuron. */
const SEAT = ['registration', 'permit', 'stake', 'weights'] as const;

function checkNeuron(metagraph: Metagraph, expected: Expected): readonly Finding[] {
  if (expected.hotkey === null) return SEAT.map((name) => unknown(name, 'the hotkey is not known'));
  const self = metagraph.neurons.find(({ hotkey }) => hotkey === expected.hotkey);
  const [registration, ...others] = SEAT;
  if (self === undefined)
    return [
      fault(
        registration,
        `${expected.hotkey} has no uid in subnet ${expected.netuid}`,
        'register the hotkey, or give the right one; see `eirel keys show`',
      ),
      ...others.map((name) => unknown(name, 'the hotkey is not registered')),
    ];
  return [
    ok(registration, `uid ${self.uid} since block ${self.registeredAt}`),
    self.permit
      ? ok('permit', 'a validator permit')
      : fault(
          'permit',
          'no validator permit',
          `the ${metagraph.hyperparameters.maxValidators} with the most stake have one, from the next epoch on`,
        ),
    checkStake(self, metagraph, expected),
    checkActivity(self, metagraph, expected),
  ];
}

function checkStake({ stake }: Neuron, { hyperparameters }: Metagraph, { minStake }: Expected) {
  const needed = max(hyperparameters.stakeThreshold, minStake);
  return stake > 0n && stake >= needed
    ? ok('stake', `${tokens(stake)}, ${tokens(needed)} needed`)
    : fault(
        'stake',
        `${tokens(stake)}, ${tokens(needed)} needed`,
        'stake more, or lower EIREL_MIN_STAKE_RAO if that is what asks for it',
      );
}

function checkActivity(
  { lastUpdate, active }: Neuron,
  { block, hyperparameters }: Metagraph,
  { weightInterval }: Expected,
): Finding {
  const { activityCutoff, weightsRateLimit } = hyperparameters;
  if (weightInterval > activityCutoff / 2)
    return fault(
      'weights',
      `every ${weightInterval} blocks, but who is silent for ${activityCutoff} does not count`,
      `set EIREL_WEIGHT_INTERVAL_BLOCKS to ${Math.floor(activityCutoff / 2)} or less`,
    );
  if (weightInterval < weightsRateLimit)
    return warning(
      'weights',
      `every ${weightInterval} blocks, but the chain takes them every ${weightsRateLimit}`,
      `set EIREL_WEIGHT_INTERVAL_BLOCKS to ${weightsRateLimit} or more`,
    );
  if (lastUpdate === 0) return ok('weights', 'none set yet');
  const found = `last set at block ${lastUpdate}, ${block - lastUpdate} blocks ago`;
  return active
    ? ok('weights', found)
    : warning('weights', `${found}: not counted as active`, 'it is again once weights are set');
}

function checkLimits({ neurons, hyperparameters }: Metagraph, expected: Expected): Finding {
  const { weightsVersion, commitReveal, revealPeriod } = hyperparameters;
  // The chain asks for no more weights than there are neurons.
  const minAllowedWeights = Math.min(hyperparameters.minAllowedWeights, neurons.length);
  if (weightsVersion > expected.versionKey)
    return fault(
      'limits',
      `the subnet asks for weights of version ${weightsVersion}, this validator sends ${expected.versionKey}`,
      `learn why the owner raised it, then set EIREL_WEIGHTS_VERSION_KEY=${weightsVersion}`,
    );
  if (minAllowedWeights > expected.minVectorLength)
    return fault(
      'limits',
      `the subnet asks for ${minAllowedWeights} weights, a vector here has ${expected.minVectorLength}`,
      `set EIREL_MIN_VECTOR_LENGTH=${minAllowedWeights} on every validator of the subnet`,
    );
  return ok(
    'limits',
    commitReveal
      ? `weights are committed, and revealed ${revealPeriod} epochs later`
      : 'weights are set in the open',
  );
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(0)} s`;
}

const RAO_PER_TOKEN = 1_000_000_000n;

function tokens(rao: bigint): string {
  return `${rao / RAO_PER_TOKEN}.${String(rao % RAO_PER_TOKEN)
    .padStart(9, '0')
    .slice(0, 3)} tokens`;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

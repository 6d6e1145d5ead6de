import type { Known, Metagraph, Neuron } from '../../chain/chain.ts';
import { isOlderVersion, RECOMMENDED_NATS_SERVER } from '../../runtime/nats-server-version.ts';

/** One thing that a validator needs: what was found, and how to mend what is not as it should be. */
export type Finding = Readonly<{
  name: string;
  status: 'ok' | 'warning' | 'fault' | 'unknown';
  found: string;
  /** What to do; null when there is nothing to do. */
  mend: string | null;
}>;

/** Something that was looked for: a value, or why it can't be had. */
export type Looked<T> = Readonly<{ value: T } | { reason: string }>;

/** The chain as the first node that answers shows it. */
export type ChainFacts = Readonly<{
  endpoint: string;
  spec: number;
  /** The chain's own time at its newest finalised block. */
  timestampMs: number;
  metagraph: Metagraph;
}>;

export type Expected = Readonly<{
  hotkey: string;
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
/** A year of a busy subnet's log and its projections take less. */
const MIN_FREE_BYTES = 10 * 1_024 ** 3;

/** Whether a node answers, for the right network, and how old its newest finalised block is. */
export function checkNode(chain: Known<ChainFacts>, { nowMs }: Expected): readonly Finding[] {
  if (!chain.known)
    return [
      fault(
        'node',
        `${chain.reason}: ${chain.detail}`,
        'give nodes that answer in EIREL_CHAIN_ENDPOINTS, of the network in EIREL_CHAIN_GENESIS',
      ),
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

/** Whether the hotkey may vote and set weights in the subnet. */
export function checkSeat(chain: Known<ChainFacts>, expected: Expected): readonly Finding[] {
  if (!chain.known)
    return ['registration', 'permit', 'stake', 'weights', 'limits'].map((name) =>
      unknown(name, 'the chain does not answer'),
    );
  const { metagraph } = chain.value;
  const self = metagraph.neurons.find(({ hotkey }) => hotkey === expected.hotkey);
  if (self === undefined)
    return [
      fault(
        'registration',
        `${expected.hotkey} has no uid in subnet ${expected.netuid}`,
        'register the hotkey, or give the right one; see `eirel keys show`',
      ),
    ];
  return [
    ok('registration', `uid ${self.uid} since block ${self.registeredAt}`),
    self.permit
      ? ok('permit', 'a validator permit')
      : fault(
          'permit',
          'no validator permit',
          `the ${metagraph.hyperparameters.maxValidators} with the most stake have one, from the next epoch on`,
        ),
    checkStake(self, metagraph, expected),
    checkActivity(self, metagraph, expected),
    checkLimits(metagraph, expected),
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

function checkLimits({ hyperparameters }: Metagraph, expected: Expected): Finding {
  const { weightsVersion, minAllowedWeights, commitReveal, revealPeriod } = hyperparameters;
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

/** What stands as this validator's axon on chain, and what answers there. */
export function checkAxon(
  axon: Known<string | null>,
  answer: Looked<{ hotkey: string }>,
  { hotkey }: Expected,
): Finding {
  if (!axon.known) return unknown('axon', axon.detail);
  if (axon.value === null)
    return fault(
      'axon',
      'none on chain: peers cannot fetch the report',
      'register address and port of EIREL_HTTP_HOST and EIREL_HTTP_PORT as the axon (`serve_axon`)',
    );
  if ('reason' in answer)
    return fault(
      'axon',
      `${axon.value}: ${answer.reason}`,
      'start the validator, open the port, or register the address that peers reach',
    );
  return answer.value.hotkey === hotkey
    ? ok('axon', `${axon.value} answers`)
    : fault(
        'axon',
        `${axon.value} answers as ${answer.value.hotkey}`,
        'register the address of this validator',
      );
}

/** The log's server, and whether its stream is as configured. */
export function checkNats(
  nats: Looked<{ version: string; drift: readonly string[] }>,
): readonly Finding[] {
  if ('reason' in nats)
    return [
      fault(
        'nats',
        nats.reason,
        'see EIREL_NATS_URL, EIREL_NATS_USER and EIREL_NATS_PASSWORD_FILE',
      ),
      unknown('stream', 'the nats-server does not answer'),
    ];
  const { version, drift } = nats.value;
  return [
    isOlderVersion(version, RECOMMENDED_NATS_SERVER)
      ? warning(
          'nats',
          `nats-server ${version}`,
          `${RECOMMENDED_NATS_SERVER} repairs ways to lose writes`,
        )
      : ok('nats', `nats-server ${version}`),
    drift.length === 0
      ? ok('stream', 'as configured')
      : fault(
          'stream',
          drift.join(', '),
          '`eirel streams apply` creates it; `eirel streams verify` compares it',
        ),
  ];
}

/** Room for the log's projections. */
export function checkDisk(disk: Looked<{ path: string; freeBytes: number }>): Finding {
  if ('reason' in disk)
    return fault('disk', disk.reason, 'make EIREL_DATA_DIR a folder that this user may write');
  const { path, freeBytes } = disk.value;
  const found = `${(freeBytes / 1_024 ** 3).toFixed(1)} GiB free at ${path}`;
  return freeBytes < MIN_FREE_BYTES
    ? warning('disk', found, 'make room: a full disk stops the validator')
    : ok('disk', found);
}

/** Whether the hotkey can be used. */
export function checkKey(key: Looked<{ hotkey: string }>): Finding {
  return 'reason' in key
    ? fault('key', key.reason, '`eirel keys --help` says which files there are')
    : ok('key', key.value.hotkey);
}

function ok(name: string, found: string): Finding {
  return { name, status: 'ok', found, mend: null };
}

function warning(name: string, found: string, mend: string): Finding {
  return { name, status: 'warning', found, mend };
}

function fault(name: string, found: string, mend: string): Finding {
  return { name, status: 'fault', found, mend };
}

function unknown(name: string, found: string): Finding {
  return { name, status: 'unknown', found, mend: null };
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

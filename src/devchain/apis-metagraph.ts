import { encode, type Scale, struct, tuple, vec, zero } from './scale.ts';
import { bool, bytes, compact, i128, u8, u16, u64, u128 } from './scale-basic.ts';
import { option } from './scale-variant.ts';
import type { DevNeuron, DevState } from './state.ts';
import { registration } from './storage-items.ts';
import { MAX_ALLOWED_UIDS } from './storage-subtensor.ts';
import { totalStake } from './subnet.ts';
import { account, axonInfo, compactCount64 } from './types.ts';

/**
 * The subnet as the runtime's own answer has it, as far as its fields were asked for by index. A field
 * that nobody asked for, or that the development chain has no such thing for, is None.
 */
export function selectiveMetagraph(state: DevState, indexes: readonly number[]): Metagraph {
  const asked = new Set(indexes);
  const values = FIELDS.map(([name, , read], index) => [
    name,
    asked.has(index) && read !== null ? read(state) : null,
  ]);
  return { ...Object.fromEntries(values), netuid: state.netuid };
}

type Metagraph = Readonly<Record<string, unknown>>;
type MetagraphField = readonly [
  name: string,
  type: Scale<unknown>,
  read: ((state: DevState) => unknown) | null,
];

const small = compact(u16);
const large = compact(u64);
const accounts = vec(account);
const letters = vec(compact(u8));
const subnetIdentity = texts('pallet_subtensor::pallet::SubnetIdentityV3', [
  'subnetName',
  'githubRepo',
  'subnetContact',
  'subnetUrl',
  'discord',
  'description',
  'logoUrl',
  'additional',
]);
const neuronIdentity = texts('pallet_subtensor::pallet::ChainIdentityV2', [
  'name',
  'url',
  'githubRepo',
  'image',
  'discord',
  'description',
  'additional',
]);
const dividendsOfHotkeys = vec(tuple(account, large));

/** An axon of a neuron that serves none. */
const NO_AXON = zero(axonInfo);

/** The fields in the runtime's order: a field's index is its place. */
const FIELDS: readonly MetagraphField[] = [
  field('netuid', small, ({ netuid }) => netuid),
  field('name', letters, () => [...Buffer.from('devchain')]),
  field('symbol', letters, () => [...Buffer.from('d')]),
  field('identity', option(subnetIdentity)),
  field('networkRegisteredAt', compactCount64, () => 0),
  field('ownerHotkey', account, ({ params }) => params.ownerHotkey),
  field('ownerColdkey', account, ({ params }) => params.ownerColdkey),
  field('block', compactCount64, ({ block }) => block),
  field('tempo', small, ({ params }) => params.tempo),
  field('lastStep', compactCount64, ({ lastStepBlock }) => lastStepBlock),
  field('blocksSinceLastStep', compactCount64, ({ blocksSinceLastStep }) => blocksSinceLastStep),
  field('subnetEmission', large),
  field('alphaIn', large),
  field('alphaOut', large),
  field('taoIn', large),
  field('alphaOutEmission', large),
  field('alphaInEmission', large),
  field('taoInEmission', large),
  field('pendingAlphaEmission', large),
  field('pendingRootEmission', large),
  field('subnetVolume', compact(u128)),
  field('movingPrice', struct({ bits: i128 }, 'substrate_fixed::FixedI128')),
  field('rho', small),
  field('kappa', small, ({ params }) => params.kappa),
  field('minAllowedWeights', small, ({ params }) => params.minAllowedWeights),
  field('maxWeightsLimit', small, () => 65_535),
  field('weightsVersion', large, ({ params }) => params.weightsVersionKey),
  field('weightsRateLimit', compactCount64, ({ params }) => params.weightsSetRateLimit),
  field('activityCutoff', small, ({ params }) => params.activityCutoff),
  field('maxValidators', small, ({ params }) => params.maxAllowedValidators),
  field('numUids', small, ({ neurons }) => neurons.length),
  field('maxUids', small, () => MAX_ALLOWED_UIDS),
  field('burn', large),
  field('difficulty', large),
  field('registrationAllowed', bool, () => false),
  field('powRegistrationAllowed', bool, () => false),
  field('immunityPeriod', small, ({ params }) => params.immunityPeriod),
  field('minDifficulty', large),
  field('maxDifficulty', large),
  field('minBurn', large),
  field('maxBurn', large),
  field('adjustmentAlpha', large),
  field('adjustmentInterval', small),
  field('targetRegsPerInterval', small),
  field('maxRegsPerBlock', small),
  field('servingRateLimit', large),
  field('commitRevealWeightsEnabled', bool, ({ params }) => params.commitRevealEnabled),
  field('commitRevealPeriod', compactCount64, ({ params }) => params.revealPeriodEpochs),
  field('liquidAlphaEnabled', bool, () => false),
  // Which nothing uses while liquid alpha is off: the pallet's defaults, 0.9 and 0.7.
  field('alphaHigh', small, () => 58_982),
  field('alphaLow', small, () => 45_875),
  field('bondsMovingAvg', compactCount64, ({ params }) => params.bondsMovingAverage),
  field('hotkeys', accounts, ({ neurons }) => neurons.map(({ hotkey }) => hotkey)),
  field('coldkeys', accounts, ({ neurons }) => neurons.map(({ coldkey }) => coldkey)),
  field('identities', vec(option(neuronIdentity)), ({ neurons }) => neurons.map(() => null)),
  field('axons', vec(axonInfo), ({ neurons }) => neurons.map(({ axon }) => axon ?? NO_AXON)),
  column('active', bool, ({ active }) => active),
  column('validatorPermit', bool, ({ permit }) => permit),
  field('pruningScore', vec(small)),
  column('lastUpdate', compactCount64, ({ lastUpdate }) => lastUpdate),
  column('emission', large, ({ emission }) => emission),
  column('dividends', small, ({ dividends }) => dividends),
  column('incentives', small, ({ incentive }) => incentive),
  column('consensus', small, ({ consensus }) => consensus),
  field('trust', vec(small)),
  field('rank', vec(small)),
  column('blockAtRegistration', compactCount64, ({ registeredAt }) => registeredAt),
  column('alphaStake', large, ({ alphaStake }) => alphaStake),
  column('taoStake', large, ({ taoStake }) => taoStake),
  field('totalStake', vec(large), ({ neurons, params }) =>
    neurons.map((neuron) => totalStake(neuron, params)),
  ),
  field('taoDividendsPerHotkey', dividendsOfHotkeys),
  field('alphaDividendsPerHotkey', dividendsOfHotkeys),
  field('validators', vec(small), ({ neurons }) =>
    neurons.flatMap(({ permit }, uid) => (permit ? [uid] : [])),
  ),
  field('commitments', vec(tuple(account, letters)), ({ commitments }) =>
    [...commitments].map(([hotkey, { block, fields }]) => {
      const made = encode(registration, { deposit: 0n, block, info: { fields } });
      return [hotkey, [...made]] as const;
    }),
  ),
];

export const selectiveMetagraphScale: Scale<Metagraph> = struct(
  Object.fromEntries(FIELDS.map(([name, type]) => [name, name === 'netuid' ? type : option(type)])),
  'pallet_subtensor::rpc_info::metagraph::SelectiveMetagraph',
);

function field<V>(
  name: string,
  type: Scale<V>,
  read: ((state: DevState) => V) | null = null,
): MetagraphField {
  return [name, type, read];
}

function column<V>(name: string, type: Scale<V>, read: (neuron: DevNeuron) => V): MetagraphField {
  return field(name, vec(type), ({ neurons }) => neurons.map(read));
}

function texts(path: string, names: readonly string[]): Scale<Readonly<Record<string, string>>> {
  return struct(Object.fromEntries(names.map((name) => [name, bytes])), path);
}

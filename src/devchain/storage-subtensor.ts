import { type Scale, tuple, vec } from './scale.ts';
import { bool, bytes, u8, u16, u64 } from './scale-basic.ts';
import type { DevNeuron, DevState, HashCommit } from './state.ts';
import {
  type At,
  blake2,
  type Item,
  identity,
  item,
  type KeyPart,
  plain,
  twox64,
} from './storage-item.ts';
import { uidOf } from './subnet.ts';
import { account, axonInfo, count64, h256, weightPairs } from './types.ts';

const pallet = 'SubtensorModule';

/** Of mainnet's subnets; neurons are not registered on the development chain, so nothing reaches it. */
export const MAX_ALLOWED_UIDS = 4_096;

/** Network-wide values, then those of the subnet, of its neurons, and of pending commits. */
export function subtensorItems(): readonly Item[] {
  return [...network, ...hyperparameters, ...columns, ...neurons, ...commits];
}

const network: readonly Item[] = [
  plain(pallet, 'StakeThreshold', u64, ({ state }) => state.params.stakeThreshold),
  // 0.0527 of 2^64, where governance has set nothing.
  plain(pallet, 'TaoWeight', u64, ({ state }) => state.params.taoWeight, {
    default: 971_718_665_099_567_868n,
  }),
  plain(
    pallet,
    'CommitRevealWeightsVersion',
    u16,
    ({ state }) => state.params.commitRevealVersion,
    {
      default: 4,
    },
  ),
];

const hyperparameters: readonly Item[] = [
  subnet('NetworksAdded', bool, () => true),
  subnet('SubnetworkN', u16, ({ neurons }) => neurons.length),
  subnet('SubnetOwner', account, ({ params }) => params.ownerColdkey),
  subnet('SubnetOwnerHotkey', account, ({ params }) => params.ownerHotkey),
  subnet('Tempo', u16, ({ params }) => params.tempo, 360),
  subnet('Kappa', u16, ({ params }) => params.kappa, 32_767),
  subnet('MaxAllowedUids', u16, () => MAX_ALLOWED_UIDS, MAX_ALLOWED_UIDS),
  subnet('MaxAllowedValidators', u16, ({ params }) => params.maxAllowedValidators, 128),
  subnet('MinAllowedWeights', u16, ({ params }) => params.minAllowedWeights, 1_024),
  // The chain has one for all subnets: none.
  subnet('MaxWeightsLimit', u16, () => 65_535, 65_535),
  subnet('ImmunityPeriod', u16, ({ params }) => params.immunityPeriod, 4_096),
  subnet('ActivityCutoff', u16, ({ params }) => params.activityCutoff, 5_000),
  subnet('WeightsVersionKey', u64, ({ params }) => params.weightsVersionKey),
  subnet('WeightsSetRateLimit', count64, ({ params }) => params.weightsSetRateLimit, 100),
  subnet('CommitRevealWeightsEnabled', bool, ({ params }) => params.commitRevealEnabled, true),
  subnet('BondsMovingAverage', count64, ({ params }) => params.bondsMovingAverage, 900_000),
  subnet('BondsPenalty', u16, ({ params }) => params.bondsPenalty, 65_535),
  subnet('BlocksSinceLastStep', count64, ({ blocksSinceLastStep }) => blocksSinceLastStep),
  // Spelled as the pallet spells it.
  subnet('LastMechansimStepBlock', count64, ({ lastStepBlock }) => lastStepBlock),
  subnet('RevealPeriodEpochs', count64, ({ params }) => params.revealPeriodEpochs, 1, twox64(u16)),
  subnet('MechanismCountCurrent', u8, () => 1, 1, twox64(u16)),
  subnet('LiquidAlphaOn', bool, () => false, false, blake2(u16)),
  subnet('Yuma3On', bool, () => false, false, blake2(u16)),
];

/** One list for the subnet, by uid. Those of a mechanism are keyed by its storage index: the netuid, for the first. */
const columns: readonly Item[] = [
  column('ValidatorPermit', bool, ({ permit }) => permit),
  column('Active', bool, ({ active }) => active),
  column('LastUpdate', count64, ({ lastUpdate }) => lastUpdate),
  column('Incentive', u16, ({ incentive }) => incentive),
  column('Consensus', u16, ({ consensus }) => consensus),
  column('Dividends', u16, ({ dividends }) => dividends),
  column('ValidatorTrust', u16, ({ validatorTrust }) => validatorTrust),
  column('Emission', u64, ({ emission }) => emission),
];

const neurons: readonly Item[] = [
  byUid('Keys', account, ({ neurons }, uid) => neurons[uid]?.hotkey),
  byUid('BlockAtRegistration', count64, ({ neurons }, uid) => neurons[uid]?.registeredAt),
  byUid('Weights', weightPairs, ({ weights }, uid) => weights.get(uid)),
  byUid('Bonds', weightPairs, ({ bonds }, uid) => bonds.get(uid)),
  byHotkey('Uids', u16, uidOf),
  byHotkey('Axons', axonInfo, (state, hotkey) => neuronOf(state, hotkey)?.axon ?? undefined),
  item({
    pallet,
    name: 'Owner',
    keys: [blake2(account)],
    value: account,
    read: ({ state }, [hotkey]) => neuronOf(state, hotkey)?.coldkey ?? null,
    entries: ({ neurons }) => neurons.map(({ hotkey }) => [hotkey] as const),
    changed: (before, after) =>
      changedHotkeys(before, after)?.map((hotkey) => [hotkey] as const) ?? null,
  }),
];

const commits: readonly Item[] = [
  item({
    pallet,
    name: 'TimelockedWeightCommits',
    keys: [twox64(u16), twox64(count64)],
    value: vec(tuple(account, count64, bytes, count64)),
    read: ({ state }, [index, epoch]) => {
      const own = state.timelocked.filter((commit) => commit.epoch === epoch);
      if (index !== state.netuid || own.length === 0) return null;
      return own.map(({ hotkey, block, commit, round }) => [hotkey, block, commit, round] as const);
    },
    entries: ({ netuid, timelocked }) =>
      [...new Set(timelocked.map(({ epoch }) => epoch))].map((epoch) => [netuid, epoch] as const),
  }),
  item({
    pallet,
    name: 'WeightCommits',
    keys: [twox64(u16), twox64(account)],
    value: vec(tuple(h256, count64, count64, count64)),
    absent: 'none',
    read: ({ state }, [index, hotkey]) => {
      const own = state.hashCommits.filter((commit) => commit.hotkey === hotkey);
      if (index !== state.netuid || own.length === 0) return null;
      return own.map(
        (commit) => [commit.hash, commit.block, ...revealBlocks(state, commit)] as const,
      );
    },
    entries: ({ netuid, hashCommits }) =>
      [...new Set(hashCommits.map(({ hotkey }) => hotkey))].map((key) => [netuid, key] as const),
  }),
];

function subnet<V>(
  name: string,
  value: Scale<V>,
  read: (state: DevState) => V,
  fallback?: V,
  key: KeyPart<number> = identity(u16),
): Item {
  return item({
    pallet,
    name,
    keys: [key],
    value,
    absent: fallback === undefined ? 'zero' : { default: fallback },
    read: ({ state }, [netuid]) => (netuid === state.netuid ? read(state) : null),
    entries: ({ netuid }) => [[netuid]],
  });
}

function column<V>(name: string, value: Scale<V>, read: (neuron: DevNeuron) => V): Item {
  return subnet(name, vec(value), ({ neurons }) => neurons.map(read));
}

function byUid<V>(
  name: string,
  value: Scale<V>,
  read: (state: DevState, uid: number) => V | undefined,
): Item {
  return item({
    pallet,
    name,
    keys: [identity(u16), identity(u16)],
    value,
    read: ({ state }, [netuid, uid]) =>
      netuid === state.netuid ? (read(state, uid) ?? null) : null,
    entries: (state) =>
      [...state.neurons.keys()]
        .filter((uid) => read(state, uid) !== undefined)
        .map((uid) => [state.netuid, uid] as const),
  });
}

function byHotkey<V>(
  name: string,
  value: Scale<V>,
  read: (state: DevState, hotkey: string) => V | undefined,
): Item {
  return item({
    pallet,
    name,
    keys: [identity(u16), blake2(account)],
    value,
    absent: 'none',
    read: ({ state }, [netuid, hotkey]) =>
      netuid === state.netuid ? (read(state, hotkey) ?? null) : null,
    entries: (state) =>
      state.neurons
        .filter(({ hotkey }) => read(state, hotkey) !== undefined)
        .map(({ hotkey }) => [state.netuid, hotkey] as const),
    changed: (before, after) =>
      changedHotkeys(before, after)?.map((hotkey) => [after.state.netuid, hotkey] as const) ?? null,
  });
}

/** Whose neurons, or their places, differ between two states of a subnet; null where its size does. */
function changedHotkeys({ state: before }: At, { state: after }: At): readonly string[] | null {
  if (before.neurons.length !== after.neurons.length) return null;
  return before.neurons.flatMap((neuron, uid) => {
    const next = after.neurons[uid];
    return next === undefined || next === neuron ? [] : [neuron.hotkey, next.hotkey];
  });
}

function neuronOf({ neurons }: DevState, hotkey: string): DevNeuron | undefined {
  return neurons.find((neuron) => neuron.hotkey === hotkey);
}

/** First and last block of the epoch in which a hash commit may be revealed. */
function revealBlocks({ netuid, params }: DevState, { epoch }: HashCommit): [number, number] {
  const length = params.tempo + 1;
  const first = Math.max(0, (epoch + params.revealPeriodEpochs) * length - (netuid + 1));
  return [first, first + params.tempo];
}

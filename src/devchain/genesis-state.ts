import { axonAddress } from '../chain/axon.ts';
import type { Genesis } from './genesis.ts';
import { roundAt } from './pulses.ts';
import type { DevAxon, DevNeuron, DevParams, DevState } from './state.ts';

/** What the SDK's servers announce. */
const AXON_PROTOCOL = 4;

/** The state of block 0. `beaconKey` is the beacon's public key in G2, 192 hex digits. */
export function stateOf(genesis: Genesis, beaconKey: string): DevState {
  const owner = genesis.owner ?? genesis.neurons[0] ?? { hotkey: '', coldkey: '' };
  const round = roundAt(genesis.genesisTimeMs, genesis.beacon);
  return {
    block: 0,
    timestampMs: genesis.genesisTimeMs,
    netuid: genesis.netuid,
    params: paramsOf(genesis, owner, beaconKey),
    neurons: genesis.neurons.map((neuron) => neuronOf(neuron, neuron.hotkey === owner.hotkey)),
    weights: new Map(),
    bonds: new Map(),
    nonces: new Map(),
    commitments: new Map(),
    usedSpace: new Map(),
    timelocked: [],
    hashCommits: [],
    drand: { lastStoredRound: round, oldestStoredRound: round, pulses: new Map() },
    lastStepBlock: 0,
    blocksSinceLastStep: 0,
  };
}

function paramsOf(
  { slotMs, beacon, hyperparameters }: Genesis,
  owner: Readonly<{ hotkey: string; coldkey: string }>,
  beaconKey: string,
): DevParams {
  return {
    ...hyperparameters,
    weightsVersionKey: BigInt(hyperparameters.weightsVersionKey),
    stakeThreshold: BigInt(hyperparameters.stakeThreshold),
    taoWeight: BigInt(hyperparameters.taoWeight),
    slotMs,
    ownerHotkey: owner.hotkey,
    ownerColdkey: owner.coldkey,
    beacon: { publicKey: beaconKey, genesisTime: beacon.genesisTime, period: beacon.period },
  };
}

/** A neuron counts as active from its registration; the owner has a permit whatever its stake. */
function neuronOf(neuron: Genesis['neurons'][number], isOwner: boolean): DevNeuron {
  return {
    hotkey: neuron.hotkey,
    coldkey: neuron.coldkey,
    alphaStake: BigInt(neuron.alphaStake),
    taoStake: BigInt(neuron.taoStake),
    registeredAt: 0,
    permit: neuron.permit || isOwner,
    active: true,
    lastUpdate: 0,
    incentive: 0,
    consensus: 0,
    dividends: 0,
    validatorTrust: 0,
    emission: 0n,
    axon: neuron.axon === null ? null : axonOf(neuron.axon),
  };
}

/** The axon that the pallet keeps for `http://ip:port`; null for anything else. */
export function axonOf(url: string): DevAxon | null {
  const address = axonAddress(url);
  if (address === null) return null;
  return {
    block: 0,
    version: 0,
    ...address,
    protocol: AXON_PROTOCOL,
    placeholder1: 0,
    placeholder2: 0,
  };
}

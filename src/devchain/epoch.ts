import { sum } from './matrix.ts';
import type { DevNeuron, DevState } from './state.ts';
import { totalStake } from './subnet.ts';
import { type YumaOutput, yuma } from './yuma.ts';

/** Rao that a subnet emits in a block, and the shares of it that miners and validators get; 18 % are the owner's. */
const BLOCK_EMISSION_RAO = 1_000_000_000n;
const HALF_SHARE_PERCENT = 41n;

/**
 * Ends an epoch: consensus over the weights that stand, by the permits that were in force, and new
 * permits for the next one. Stakes do not grow with the emission: a development chain keeps them.
 */
export function runEpoch(state: DevState): DevState {
  const { params, block } = state;
  const neurons = state.neurons.map((neuron) => {
    const total = totalStake(neuron, params);
    const isOwner = neuron.hotkey === params.ownerHotkey;
    return {
      ...neuron,
      active: neuron.lastUpdate + params.activityCutoff >= block,
      isOwner,
      stake: isOwner || total >= params.stakeThreshold ? total : 0n,
    };
  });
  const output = yuma({ neurons, weights: state.weights, bonds: state.bonds, params });
  const permits = nextPermits(neurons, params.maxAllowedValidators);
  const emission = emissions(neurons, output, BigInt(params.tempo + 1));
  return {
    ...state,
    neurons: neurons.map(
      ({ stake: _stake, isOwner: _isOwner, ...neuron }, uid): DevNeuron => ({
        ...neuron,
        permit: permits[uid] ?? false,
        incentive: output.incentive[uid] ?? 0,
        consensus: output.consensus[uid] ?? 0,
        dividends: output.dividends[uid] ?? 0,
        validatorTrust: output.validatorTrust[uid] ?? 0,
        emission: emission[uid] ?? 0n,
      }),
    ),
    bonds: new Map([...output.bonds].filter(([uid]) => permits[uid] === true)),
    lastStepBlock: block,
    blocksSinceLastStep: 0,
  };
}

type Staked = Readonly<{ stake: bigint; isOwner: boolean }>;

/** The permits go to the most stake, of equal stakes to the higher uid as in the pallet, and to the owner. */
function nextPermits(neurons: readonly Staked[], seats: number): boolean[] {
  const ranked = [...neurons.entries()]
    .filter(([, { stake }]) => stake > 0n)
    .sort(([uidA, a], [uidB, b]) =>
      a.stake === b.stake ? uidB - uidA : a.stake > b.stake ? -1 : 1,
    )
    .slice(0, seats);
  const seated = new Set(ranked.map(([uid]) => uid));
  return neurons.map(({ isOwner }, uid) => isOwner || seated.has(uid));
}

/** Half by incentive, half by dividends. Where no miner is paid, validators get all of it by stake. */
function emissions(
  neurons: readonly (Staked & { permit: boolean; active: boolean })[],
  { incentive, dividends }: YumaOutput,
  blocks: bigint,
): bigint[] {
  const half = (BLOCK_EMISSION_RAO * blocks * HALF_SHARE_PERCENT) / 100n;
  if (incentive.every((share) => share === 0)) {
    const voting = neurons.map(({ stake, permit, active }) => (permit && active ? stake : 0n));
    return portions(2n * half, voting);
  }
  const [miners, validators] = [incentive, dividends].map((shares) =>
    portions(half, shares.map(BigInt)),
  );
  return neurons.map((_neuron, uid) => (miners?.[uid] ?? 0n) + (validators?.[uid] ?? 0n));
}

function portions(amount: bigint, shares: readonly bigint[]): bigint[] {
  const total = sum(shares);
  return shares.map((share) => (total === 0n ? 0n : (amount * share) / total));
}

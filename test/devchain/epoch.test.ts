import { describe, expect, test } from 'vitest';
import { runEpoch } from '#src/devchain/epoch.ts';
import type { DevNeuron, DevParams, DevState, WeightPair } from '#src/devchain/state.ts';
import { advance, devSubnet, TAO, UID } from '../support/dev-subnet.ts';

/** Everybody gave all to x in block 100; the epoch is run in block 102. */
function agreed(params: Partial<DevParams> = {}, block = 102): DevState {
  const state = devSubnet(params, block);
  const row: WeightPair[] = [[UID.x, 65_535]];
  return {
    ...state,
    neurons: state.neurons.map((neuron) => ({ ...neuron, lastUpdate: 100 })),
    weights: new Map([UID.a, UID.b, UID.c, UID.d].map((uid) => [uid, row])),
  };
}
const withNeuron = (state: DevState, uid: number, change: Partial<DevNeuron>): DevState => ({
  ...state,
  neurons: state.neurons.map((neuron, index) =>
    index === uid ? { ...neuron, ...change } : neuron,
  ),
});
const permits = ({ neurons }: DevState): number[] =>
  [...neurons.entries()].filter(([, { permit }]) => permit).map(([uid]) => uid);

describe('runEpoch', () => {
  test('pays the winner and the validators, and starts the next epoch', () => {
    const state = runEpoch(agreed());
    expect(state.neurons.map(({ incentive }) => incentive)).toEqual([0, 0, 0, 0, 0, 65_535, 0, 0]);
    expect(state.neurons.map(({ dividends }) => dividends)).toEqual([
      0, 22_937, 16_383, 16_383, 9_830, 0, 0, 0,
    ]);
    expect(state).toMatchObject({ lastStepBlock: 102, blocksSinceLastStep: 0 });
    expect(state.bonds.get(UID.a)).toEqual([[UID.x, 65_535]]);
    // 41 % each of ten blocks of one TAO; a cut fraction stays unpaid.
    expect(state.neurons[UID.x]?.emission).toBe((41n * TAO) / 10n);
    expect(Number(state.neurons[UID.a]?.emission)).toBeCloseTo(0.35 * 4.1 * Number(TAO), -5);
  });

  test('where no miner is paid, validators get everything by stake', () => {
    const state = runEpoch({ ...agreed(), weights: new Map() });
    expect(state.neurons[UID.x]?.emission).toBe(0n);
    expect(state.neurons[UID.a]?.emission).toBe((35n * 82n * TAO) / 1_000n);
  });

  test('who was silent for longer than the cutoff is not active, and has no vote in this epoch', () => {
    const late = (lastUpdate: number) =>
      runEpoch(withNeuron(agreed({ activityCutoff: 50 }), UID.a, { lastUpdate }));
    expect(late(52).neurons[UID.a]).toMatchObject({ active: true, dividends: 22_937 });
    expect(late(51).neurons[UID.a]).toMatchObject({ active: false, dividends: 0 });
  });

  test('the most stake gets the permits, of equal stakes the higher uid, and the owner always', () => {
    expect(permits(runEpoch(agreed({ maxAllowedValidators: 2 })))).toEqual([
      UID.owner,
      UID.a,
      UID.c,
    ]);
  });

  test('nobody without stake gets a permit, however many there are', () => {
    expect(permits(runEpoch(agreed()))).toEqual([UID.owner, UID.a, UID.b, UID.c, UID.d]);
  });

  test('stake below the threshold neither votes nor gets a permit', () => {
    const state = runEpoch(agreed({ stakeThreshold: 20_000n * TAO }));
    expect(permits(state)).toEqual([UID.owner, UID.a, UID.b, UID.c]);
    expect(state.neurons[UID.d]?.dividends).toBe(0);
  });

  test('a new permit votes from the next epoch on, and a lost one loses its bonds', () => {
    const rich = withNeuron(agreed({ maxAllowedValidators: 3 }), UID.z, {
      alphaStake: 90_000n * TAO,
    });
    const voting = { ...rich, weights: new Map(rich.weights).set(UID.z, [[UID.y, 65_535]]) };
    const first = runEpoch(voting);
    expect(first.neurons[UID.x]?.incentive).toBe(65_535);
    expect(permits(first)).toEqual([UID.owner, UID.a, UID.c, UID.z]);
    expect([...first.bonds.keys()]).toEqual([UID.a, UID.c]);
    const second = runEpoch({ ...first, block: 112 });
    expect(second.neurons[UID.y]?.incentive).toBe(65_535);
  });
});

describe('startBlock', () => {
  test('runs the epoch in the last block of its index and counts blocks between', () => {
    const steps = [101, 102, 103, 112].map((block) => advance(agreed({}, 100), block).state);
    expect(steps.map(({ lastStepBlock }) => lastStepBlock)).toEqual([0, 102, 102, 112]);
    expect(steps.map(({ blocksSinceLastStep }) => blocksSinceLastStep)).toEqual([1, 0, 1, 0]);
    expect(steps.map(({ neurons }) => neurons[UID.x]?.incentive)).toEqual([
      0, 65_535, 65_535, 65_535,
    ]);
  });

  test('the time of a block is the genesis time and its slots', () => {
    const { timestampMs } = devSubnet();
    expect(advance(devSubnet(), 7).state).toMatchObject({
      block: 7,
      timestampMs: timestampMs + 7 * 12_000,
    });
  });

  test('the state that it starts from stays as it is', () => {
    const before = agreed({}, 101);
    const copy = structuredClone(before);
    advance(before, 103);
    expect(before).toEqual(copy);
  });
});

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { dispatch } from '#src/devchain/runtime.ts';
import type { DevCall, DevParams } from '#src/devchain/state.ts';
import { maxUpscale } from '#src/devchain/weights.ts';
import { devSubnet, errorOf, hotkey, TAO, UID } from '../support/dev-subnet.ts';

type SetWeights = Extract<DevCall, { dests: unknown }>;

const open: Partial<DevParams> = { commitRevealEnabled: false };
const winner: SetWeights = {
  call: 'SubtensorModule.set_mechanism_weights',
  netuid: 36,
  mecid: 0,
  dests: [UID.x],
  weights: [65_535],
  versionKey: 0n,
};
const set = (params: Partial<DevParams>, change: Partial<SetWeights>, signer = 'a', block = 100) =>
  dispatch(devSubnet(params, block), { ...winner, ...change }, hotkey(signer));

describe('set_mechanism_weights', () => {
  test('stores the row as it was scaled, counts as the update, and says so', () => {
    const outcome = set(open, { dests: [UID.y, UID.x, UID.z], weights: [50, 100, 0] });
    expect(outcome).toMatchObject({
      kind: 'ok',
      events: [{ extrinsic: null, event: 'SubtensorModule.WeightsSet', index: 36, uid: UID.a }],
    });
    if (outcome.kind !== 'ok') return;
    expect(outcome.state.weights).toEqual(
      new Map([
        [
          UID.a,
          [
            [UID.y, 32_768],
            [UID.x, 65_535],
            [UID.z, 0],
          ],
        ],
      ]),
    );
    expect(outcome.state.neurons.map(({ lastUpdate }) => lastUpdate)).toEqual([
      0, 100, 0, 0, 0, 0, 0, 0,
    ]);
  });

  test('set_weights is the same for the first mechanism', () => {
    const plain = set(open, { call: 'SubtensorModule.set_weights' });
    expect(plain).toEqual(set(open, {}));
  });

  /** Each case fails its own check and, where they can be had together, all later ones: so the order is tested too. */
  const bad = { dests: [UID.x, UID.x, 8], weights: [1, 1, 1] };
  test.each<[string, Partial<DevParams>, Partial<SetWeights>, string]>([
    ['CommitRevealEnabled', {}, { weights: [] }, 'a'],
    ['CanNotSetRootNetworkWeights', open, { netuid: 0, weights: [] }, 'a'],
    ['WeightVecNotEqualSize', open, { mecid: 1, weights: [] }, 'a'],
    ['MechanismDoesNotExist', open, { mecid: 1, dests: range(9), weights: range(9) }, 'a'],
    ['MechanismDoesNotExist', open, { netuid: 35 }, 'a'],
    ['UidsLengthExceedUidsInSubNet', open, { dests: range(9), weights: range(9) }, 'nobody'],
    ['HotKeyNotRegisteredInSubNet', open, bad, 'nobody'],
    [
      'NotEnoughStakeToSetWeights',
      { ...open, weightsVersionKey: 2n },
      { ...bad, versionKey: 1n },
      'x',
    ],
    [
      'IncorrectWeightVersionKey',
      { ...open, weightsVersionKey: 2n, stakeThreshold: 0n },
      { ...bad, versionKey: 1n },
      'x',
    ],
    ['NeuronNoValidatorPermit', { ...open, stakeThreshold: 0n }, bad, 'x'],
    ['DuplicateUids', open, bad, 'a'],
    ['UidVecContainInvalidOne', { ...open, minAllowedWeights: 9 }, { dests: [8] }, 'a'],
    ['WeightVecLengthIsLow', { ...open, minAllowedWeights: 2 }, {}, 'a'],
  ])('%s', (error, params, change, signer) => {
    expect(errorOf(set(params, change, signer))).toBe(`SubtensorModule.${error}`);
  });

  test('the rate limit passes at exactly its distance, and before the first update', () => {
    const state = devSubnet(open, 100);
    const first = dispatch(state, winner, hotkey('a'));
    if (first.kind === 'error') throw new Error(first.error.name);
    const later = (block: number) =>
      errorOf(dispatch({ ...first.state, block }, winner, hotkey('a')));
    expect(later(102)).toBe('SubtensorModule.SettingWeightsTooFast');
    expect(later(103)).toBeNull();
  });

  test('the rate limit comes before the permit', () => {
    const state = devSubnet({ ...open, stakeThreshold: 0n }, 100);
    const neurons = state.neurons.map((neuron) => ({ ...neuron, lastUpdate: 99 }));
    expect(errorOf(dispatch({ ...state, neurons }, winner, hotkey('x')))).toBe(
      'SubtensorModule.SettingWeightsTooFast',
    );
  });

  test('the minimum of entries is never more than there are neurons, and zero weights count', () => {
    const params = { ...open, minAllowedWeights: 1_024 };
    const all = { dests: range(8), weights: range(8).map((uid) => (uid === UID.x ? 1 : 0)) };
    expect(errorOf(set(params, all))).toBeNull();
  });

  test('a lone self-weight needs neither permit nor minimum', () => {
    const params = { ...open, minAllowedWeights: 4, stakeThreshold: 0n };
    expect(errorOf(set(params, { dests: [UID.z] }, 'z'))).toBeNull();
    expect(errorOf(set(params, { dests: [UID.y] }, 'z'))).toBe(
      'SubtensorModule.NeuronNoValidatorPermit',
    );
  });

  test('the owner needs neither stake nor permit', () => {
    const state = devSubnet(open, 100);
    const neurons = state.neurons.map((neuron) => ({ ...neuron, permit: false }));
    expect(errorOf(dispatch({ ...state, neurons }, winner, hotkey('owner')))).toBeNull();
  });

  test('stake at exactly the threshold is enough, and root stake counts for its weight', () => {
    const at = (stakeThreshold: bigint) => errorOf(set({ ...open, stakeThreshold }, {}));
    expect(at(35_000n * TAO)).toBeNull();
    expect(at(35_000n * TAO + 1n)).toBe('SubtensorModule.NotEnoughStakeToSetWeights');
    const state = devSubnet({ ...open, stakeThreshold: 36_000n * TAO, taoWeight: 1n << 63n }, 100);
    const neurons = state.neurons.map((neuron) => ({ ...neuron, taoStake: 2_000n * TAO }));
    expect(errorOf(dispatch({ ...state, neurons }, winner, hotkey('a')))).toBeNull();
  });

  test('a version key above the chain’s is taken', () => {
    expect(errorOf(set({ ...open, weightsVersionKey: 2n }, { versionKey: 3n }))).toBeNull();
  });
});

describe('maxUpscale', () => {
  test.each([
    [
      [100, 50],
      [65_535, 32_768],
    ],
    [
      [40_000, 20_000, 1],
      [65_535, 32_767, 2],
    ],
    [
      [32_768, 1],
      [65_535, 2],
    ],
    [
      [32_769, 1],
      [65_535, 2],
    ],
    [
      [0, 0],
      [0, 0],
    ],
    [[], []],
  ])('%j becomes %j', (values, scaled) => {
    expect(maxUpscale(values)).toEqual(scaled);
  });

  const VECTORS = new URL('../../../shared/fixtures/vectors/weights.json', import.meta.url);
  test.skipIf(!existsSync(VECTORS))(
    'emulations of the pallet, where the fixtures lie beside the project',
    () => {
      const Vector = z.object({ input: z.array(z.int()), output: z.array(z.int()) });
      const { chain_upscale } = z
        .object({ chain_upscale: z.array(Vector).min(10) })
        .parse(JSON.parse(readFileSync(VECTORS, 'utf8')));
      for (const { input, output } of chain_upscale) expect(maxUpscale(input)).toEqual(output);
    },
  );
});

function range(size: number): number[] {
  return Array.from({ length: size }, (_, index) => index);
}

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { WeightPair } from '#src/devchain/state.ts';
import { type YumaInput, type YumaNeuron, type YumaOutput, yuma } from '#src/devchain/yuma.ts';

const params = { kappa: 32_767, bondsPenalty: 65_535, bondsMovingAverage: 900_000 };
const U16 = 65_535;

const validator = (stake: number | bigint): YumaNeuron => ({
  stake: BigInt(stake),
  permit: true,
  active: true,
  isOwner: false,
  lastUpdate: 10,
  registeredAt: 0,
});
const miner: YumaNeuron = { ...validator(0), permit: false };

/** Validators with these stakes at uid 0 …, then three miners, each validator giving all to one of them. */
function winners(
  stakes: readonly (number | bigint)[],
  votes: readonly number[],
  rest: Partial<YumaInput> = {},
): YumaInput {
  const neurons = [...stakes.map(validator), miner, miner, miner];
  const weights = new Map(
    votes.map((vote, uid): [number, WeightPair[]] => [uid, [[stakes.length + vote, U16]]]),
  );
  return { neurons, weights, bonds: new Map(), params, ...rest };
}

/** Epochs in a row, each on the bonds of the one before: the last one's outcome. */
function epochs(inputs: readonly YumaInput[]): YumaOutput[] {
  const outputs: YumaOutput[] = [];
  for (const input of inputs)
    outputs.push(yuma({ ...input, bonds: outputs.at(-1)?.bonds ?? new Map() }));
  return outputs;
}

const STAKES = [35, 25, 25, 15];
const together = winners(STAKES, [0, 0, 0, 0]);
const dAlone = winners(STAKES, [0, 0, 0, 1]);
const switched = winners(STAKES, [1, 1, 1, 1]);
const dLate = winners(STAKES, [1, 1, 1, 0]);
const repeat = (times: number, input: YumaInput): YumaInput[] =>
  Array.from({ length: times }, () => input);
/** The share of the dividends that the fourth validator gets, in percent, epoch by epoch. */
const shareOfD = (outputs: readonly YumaOutput[]): number[] =>
  outputs.map(({ dividends }) => ((dividends[3] ?? 0) / U16) * 100);

describe('winner-take-all by validators with 35, 25, 25 and 15 of the stake', () => {
  test('in agreement the winner gets everything, and dividends follow the stake', () => {
    const output = yuma(together);
    expect(output.incentive).toEqual([0, 0, 0, 0, U16, 0, 0]);
    expect(output.consensus).toEqual([0, 0, 0, 0, U16, 0, 0]);
    expect(output.validatorTrust).toEqual([U16, U16, U16, U16, 0, 0, 0]);
    expect(output.dividends).toEqual(
      [35, 25, 25, 15, 0, 0, 0].map((share) => Math.floor((share * U16) / 100)),
    );
  });

  test('a minority that votes for another has no trust, and its winner gets nothing', () => {
    const output = yuma(dAlone);
    expect(output.incentive).toEqual([0, 0, 0, 0, U16, 0, 0]);
    expect(output.validatorTrust).toEqual([U16, U16, U16, 0, 0, 0, 0]);
  });

  test('one divergent epoch costs a tenth of the share, which comes back by a tenth each epoch', () => {
    const shares = shareOfD(epochs([together, dAlone, ...repeat(3, together)]));
    expectNear(shares, [15, 13.5, 13.65, 13.785, 13.9065]);
  });

  test('ten divergent epochs leave a third of the share', () => {
    expectNear(shareOfD(epochs([together, ...repeat(10, dAlone)])).slice(-1), [5.2302]);
  });

  test('one epoch late at a change of the winner costs the whole share, which grows back from nothing', () => {
    const shares = shareOfD(epochs([together, dLate, ...repeat(3, switched)]));
    expectNear(shares, [15, 0, 1.5, 2.85, 4.065]);
  });

  test('one epoch early costs a tenth of one share, and gains nothing under the full penalty', () => {
    expectNear(shareOfD(epochs([together, dAlone, switched])), [15, 13.5, 15]);
  });

  test('without the penalty the early one would take nearly everything', () => {
    const lenient = [together, dAlone, switched].map((input) => ({
      ...input,
      params: { ...params, bondsPenalty: 0 },
    }));
    expectNear(shareOfD(epochs(lenient)).slice(-1), [91.5]);
  });

  test('a split of 40, 35 and 25 pays no miner', () => {
    const output = yuma(winners([40, 35, 25], [0, 1, 2]));
    expect(output.incentive).toEqual([0, 0, 0, 0, 0, 0]);
    expect(output.validatorTrust).toEqual([0, 0, 0, 0, 0, 0]);
    expect(output.dividends).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test('halves both count, because kappa is a hair under a half', () => {
    expect(yuma(winners([50, 50], [0, 1])).incentive).toEqual([0, 0, 32_767, 32_767, 0]);
  });
});

describe('what counts', () => {
  const change = (uid: number, neuron: Partial<YumaNeuron>): YumaInput => ({
    ...together,
    weights: new Map(together.weights).set(0, [[5, U16]]),
    neurons: together.neurons.map((old, index) => (index === uid ? { ...old, ...neuron } : old)),
  });
  const winnerOf = (input: YumaInput): number => yuma(input).incentive.indexOf(U16);

  test.each<[string, Partial<YumaNeuron>]>([
    ['an inactive validator', { active: false }],
    ['one without permit', { permit: false }],
    ['one without stake', { stake: 0n }],
  ])('%s has no vote', (_name, neuron) => {
    const huge = { stake: 1_000n };
    expect(winnerOf(change(0, huge))).toBe(5);
    expect(winnerOf(change(0, { ...huge, ...neuron }))).toBe(4);
  });

  test('a weight for a uid that changed hands after the row’s update is void', () => {
    expect(winnerOf(change(4, { registeredAt: 9 }))).toBe(4);
    expect(yuma(change(4, { registeredAt: 10 })).incentive).toEqual([0, 0, 0, 0, 0, 0, 0]);
  });

  test('a weight for oneself is void but for the owner', () => {
    const selfish = (isOwner: boolean): YumaInput => ({
      ...winners([60, 40], [0, 0]),
      neurons: [{ ...validator(60), isOwner }, validator(40), miner, miner, miner],
      weights: new Map([
        [0, [[0, U16]]],
        [1, [[2, U16]]],
      ]),
    });
    expect(yuma(selfish(true)).incentive).toEqual([U16, 0, 0, 0, 0]);
    expect(yuma(selfish(false)).incentive).toEqual([0, 0, 0, 0, 0]);
  });

  test('a weight above the median is cut down to it', () => {
    const input = winners([40, 30, 30], []);
    const rows = [
      [3, 1],
      [1, 1],
      [1, 3],
    ].map(([x = 0, y = 0], uid): [number, WeightPair[]] => [
      uid,
      [
        [3, x],
        [4, y],
      ],
    ]);
    const output = yuma({ ...input, weights: new Map(rows) });
    // Medians: half of each row for both miners; so the first row counts ½ + ¼, the last ¼ + ½.
    expect(output.consensus).toEqual([0, 0, 0, 32_767, 32_767, 0]);
    expect(output.validatorTrust).toEqual([49_151, U16, 49_151, 0, 0, 0]);
  });

  test('bonds to a uid that changed hands are void', () => {
    const { bonds } = yuma(together);
    const late = { ...dLate, bonds, neurons: switched.neurons };
    const taken = late.neurons.map((old, uid) => (uid === 4 ? { ...old, registeredAt: 10 } : old));
    expect(yuma(late).bonds.get(3)).toEqual([[4, expect.any(Number)]]);
    expect(yuma({ ...late, neurons: taken }).bonds.get(3)).toBeUndefined();
  });
});

const Stake = fc.bigInt({ min: 1n, max: 10n ** 15n });
const Row = fc.uniqueArray(fc.tuple(fc.nat(11), fc.nat(U16)), {
  maxLength: 12,
  selector: ([target]) => target,
});
const Subnet = fc.record({
  stakes: fc.array(Stake, { minLength: 1, maxLength: 8 }),
  rows: fc.array(Row, { minLength: 8, maxLength: 8 }),
});

describe('for all subnets', () => {
  test('a winner gets all incentive, whatever the others vote, where they have less than kappa', () => {
    fc.assert(
      fc.property(
        Subnet,
        fc.array(Stake, { minLength: 1, maxLength: 3 }),
        ({ stakes, rows }, camp) => {
          const rest = sum(stakes);
          // The others' share is kept a hair below 32767 of 65535.
          const own = sum(camp);
          const needed = (rest * 32_768n) / 32_767n + 1n;
          const members = own >= needed ? camp : [...camp, needed - own];
          const neurons = [...stakes.map(validator), ...Array.from({ length: 12 }, () => miner)];
          const target = stakes.length + members.length + 5;
          const all = [...members.map(validator), ...neurons];
          const weights = new Map<number, WeightPair[]>(
            members.map((_, uid) => [uid, [[target, 1]]]),
          );
          for (const uid of stakes.keys())
            weights.set(
              members.length + uid,
              (rows[uid] ?? []).map(([to, value]) => [members.length + stakes.length + to, value]),
            );
          const { incentive } = yuma({ neurons: all, weights, bonds: new Map(), params });
          expect(incentive[target]).toBe(U16);
          expect(incentive.filter((share) => share !== 0)).toHaveLength(1);
        },
      ),
    );
  });

  test('where no candidate reaches kappa, nobody is paid', () => {
    const camps = fc.array(Stake, { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(camps, (stakes) => {
        const total = sum(stakes);
        fc.pre(stakes.every((stake) => stake * 65_535n < total * 32_767n));
        const { incentive, dividends } = yuma(winners(stakes, [0, 1, 2]));
        expect([...incentive, ...dividends].every((share) => share === 0)).toBe(true);
      }),
    );
  });

  test('the order of the neurons changes nothing', () => {
    fc.assert(
      fc.property(
        Subnet,
        fc.array(fc.nat(), { minLength: 12, maxLength: 12 }),
        ({ stakes, rows }, keys) => {
          const neurons = Array.from({ length: 12 }, (_, uid) => {
            const stake = stakes[uid];
            return stake === undefined ? miner : validator(stake);
          });
          const weights = new Map(rows.map((row, uid): [number, WeightPair[]] => [uid, row]));
          const [, before] = epochs(repeat(2, { neurons, weights, bonds: new Map(), params }));
          const order = [...neurons.keys()].sort(
            (a, b) => (keys[a] ?? 0) - (keys[b] ?? 0) || a - b,
          );
          const moved = (uid: number): number => order.indexOf(uid);
          const [, after] = epochs(
            repeat(2, {
              neurons: order.map((uid) => neurons[uid] ?? miner),
              weights: new Map(
                [...weights].map(([uid, row]) => [
                  moved(uid),
                  row.map(([target, value]): WeightPair => [moved(target), value]),
                ]),
              ),
              bonds: new Map(),
              params,
            }),
          );
          for (const field of ['incentive', 'consensus', 'dividends', 'validatorTrust'] as const)
            expect(order.map((uid) => before?.[field][uid])).toEqual(after?.[field]);
        },
      ),
    );
  });

  test('shares are u16 and never add up to more than the whole', () => {
    fc.assert(
      fc.property(Subnet, ({ stakes, rows }) => {
        const neurons = [...stakes.map(validator), ...Array.from({ length: 12 }, () => miner)];
        const weights = new Map(rows.map((row, uid): [number, WeightPair[]] => [uid, row]));
        const { incentive, dividends, bonds } = yuma({
          neurons,
          weights,
          bonds: new Map(),
          params,
        });
        for (const shares of [incentive, dividends]) {
          expect(shares.every((share) => Number.isInteger(share) && share >= 0)).toBe(true);
          expect(shares.reduce((total, share) => total + share, 0)).toBeLessThanOrEqual(U16);
        }
        for (const row of bonds.values())
          for (const [, bond] of row) expect(bond).toBeLessThanOrEqual(U16);
      }),
    );
  });
});

function sum(values: readonly bigint[]): bigint {
  return values.reduce((total, value) => total + value, 0n);
}

/** Bonds are kept as u16, which costs a little in every epoch. */
function expectNear(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  for (const [index, value] of expected.entries()) expect(actual[index]).toBeCloseTo(value, 1.5);
}

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { quorumOf, reaches, stakeOf } from '#src/consensus/quorum.ts';
import { hotkeyOf } from './fake-keys.ts';

const TWO_THIRDS = { num: 2, den: 3 };

describe('reaches', () => {
  test.each([
    [2n, 3n, true],
    [1n, 3n, false],
    [20_000_000_000_000_000n, 30_000_000_000_000_000n, true],
    [19_999_999_999_999_999n, 30_000_000_000_000_000n, false],
    [20_000_000_000_000_000n, 30_000_000_000_000_001n, false],
    [0n, 0n, false],
  ])('%d of %d reaches two thirds: %s', (part, total, reached) => {
    expect(reaches(part, total, TWO_THIRDS)).toBe(reached);
  });

  test('a share of nothing is not reached even when nothing is asked', () => {
    expect(reaches(0n, 0n, { num: 0, den: 1 })).toBe(false);
    expect(reaches(0n, 1n, { num: 0, den: 1 })).toBe(true);
  });

  test('a fraction in other terms asks for the same', () => {
    const stake = fc.bigInt({ min: 0n, max: 10n ** 30n });
    fc.assert(
      fc.property(stake, stake, fc.integer({ min: 1, max: 1000 }), (a, b, k) => {
        const scaled = { num: 2 * k, den: 3 * k };
        expect(reaches(a, a + b, scaled)).toBe(reaches(a, a + b, TWO_THIRDS));
      }),
    );
  });
});

describe('quorumOf', () => {
  const voters = ['A', 'B', 'C', 'D'].map((name, uid) => ({
    hotkey: hotkeyOf(name),
    coldkey: hotkeyOf(name === 'B' ? 'coA' : `co${name}`),
    uid,
    stake: '25',
    axon: null,
  }));
  const rules = { quorum: TWO_THIRDS, minColdkeys: 3 };
  const reporting = (...names: string[]) => new Set(names.map(hotkeyOf));

  test('stake and coldkeys are both counted', () => {
    expect(quorumOf(voters, reporting('A', 'C', 'D'), rules)).toEqual({
      reported: '75',
      total: '100',
      coldkeys: 3,
      reached: true,
    });
  });

  test('three hotkeys of two coldkeys are not enough', () => {
    expect(quorumOf(voters, reporting('A', 'B', 'C'), rules)).toMatchObject({
      coldkeys: 2,
      reached: false,
    });
  });

  test('a hotkey that does not vote counts nothing', () => {
    expect(quorumOf(voters, reporting('A', 'C', 'X', 'Y'), rules)).toMatchObject({
      reported: '50',
      reached: false,
    });
  });

  test('without voters there is no quorum', () => {
    expect(
      quorumOf([], reporting('A'), { quorum: { num: 0, den: 1 }, minColdkeys: 1 }).reached,
    ).toBe(false);
  });

  test('a voter that is listed twice is refused instead of counted twice', () => {
    expect(() => stakeOf([...voters, ...voters.slice(0, 1)])).toThrow('each hotkey once');
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NANO } from '#src/consensus/nano.ts';
import { type Vote, weightedMedian } from '#src/consensus/weighted-median.ts';
import vectors from '../vectors/weighted-median.json' with { type: 'json' };
import { hotkeyOf } from './fake-keys.ts';

describe('weightedMedian', () => {
  test.each(vectors.valid)('$name', ({ votes, median }) => {
    expect(weightedMedian(votes.map(read))).toBe(median ?? undefined);
  });

  test.each(vectors.invalid)('$name is refused', ({ votes }) => {
    expect(() => weightedMedian(votes.map(read))).toThrow('input.invalid');
  });

  test('it is what sorting one entry for each rao and taking the lower middle gives', () => {
    fc.assert(
      fc.property(
        votesOf(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 12 })),
        (votes) => {
          const units = votes.flatMap(({ score, stake }) =>
            Array<number>(Number(stake)).fill(score),
          );
          units.sort((a, b) => a - b);
          expect(weightedMedian(votes)).toBe(units[Math.ceil(units.length / 2) - 1]);
        },
      ),
    );
  });

  test('the order of the votes changes nothing', () => {
    const shuffled = votesOf(score, fc.bigInt({ min: 0n, max: 10n ** 29n })).chain((votes) =>
      fc.tuple(fc.constant(votes), fc.shuffledSubarray(votes, { minLength: votes.length })),
    );
    fc.assert(
      fc.property(shuffled, ([votes, others]) => {
        expect(weightedMedian(others)).toBe(weightedMedian(votes));
      }),
    );
  });

  test('whatever less than half of the stake says, the median stays within the honest scores', () => {
    const parties = fc.tuple(
      fc.array(fc.record({ score, stake: fc.bigInt({ min: 1n, max: 10n ** 18n }) }), {
        minLength: 1,
        maxLength: 12,
      }),
      fc.array(fc.record({ score, part: fc.bigInt({ min: 1n, max: 10n ** 6n }) }), {
        maxLength: 12,
      }),
    );
    fc.assert(
      fc.property(parties, ([honest, liars]) => {
        const honestStake = honest.reduce((sum, { stake }) => sum + stake, 0n);
        const parts = liars.reduce((sum, { part }) => sum + part, 0n);
        // The liars share one rao less than the honest stake: strictly below half of all.
        const hostile = liars.map(({ score, part }) => ({
          score,
          stake: (part * (honestStake - 1n)) / parts,
        }));
        const votes = [...honest, ...hostile].map((vote, index) => ({
          ...vote,
          hotkey: `voter-${index}`,
        }));
        const scores = honest.map(({ score }) => score);
        const median = weightedMedian(votes);
        expect(median).toBeGreaterThanOrEqual(Math.min(...scores));
        expect(median).toBeLessThanOrEqual(Math.max(...scores));
      }),
    );
  });
});

const score = fc.integer({ min: 0, max: NANO });

function votesOf(scores: fc.Arbitrary<number>, stakes: fc.Arbitrary<number | bigint>) {
  return fc.array(fc.tuple(scores, stakes), { maxLength: 20 }).map((pairs) =>
    pairs.map(
      ([score, stake], index): Vote => ({
        hotkey: hotkeyOf(`V${index + 1}x`),
        score,
        stake: BigInt(stake),
      }),
    ),
  );
}

function read({ hotkey, score, stake }: { hotkey: string; score: number; stake: string }): Vote {
  return { hotkey, score, stake: BigInt(stake) };
}

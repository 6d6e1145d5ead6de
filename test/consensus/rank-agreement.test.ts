import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatRho,
  meanRhoMillionths,
  type Ranked,
  rankCorrelation,
  rhoMillionths,
  topKOverlap,
  topOneAgreement,
} from '#src/consensus/rank-agreement.ts';
import { RankCorrelation } from '#src/events/divergence.ts';
import vectors from '../vectors/rank-agreement.json' with { type: 'json' };

describe('rankCorrelation', () => {
  test.each(vectors.cases)('$name', ({ a, b, rank, rho }) => {
    const correlation = rankCorrelation(read(a), read(b));
    expect(correlation).toEqual(rank);
    expect(formatRho(correlation && rhoMillionths(correlation))).toBe(rho);
  });

  const sides = fc
    .array(fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 6 })), {
      maxLength: 40,
    })
    .map((pairs) => ({
      a: pairs.map(([score], index) => ({ miner: `m${index}`, score })),
      b: pairs.map(([, score], index) => ({ miner: `m${index}`, score })),
    }));

  test('it is within -1 and 1, symmetric, and blind to the order and unit of scores', () => {
    fc.assert(
      fc.property(sides, ({ a, b }) => {
        const rank = rankCorrelation(a, b);
        const scaled = a
          .toReversed()
          .map(({ miner, score }) => ({ miner, score: score * 1000 + 5 }));
        expect(rankCorrelation(scaled, b)).toEqual(rank);
        const mirrored = rankCorrelation(b, a);
        if (rank === null) {
          expect(mirrored).toBeNull();
          return;
        }
        const { n, num, denA, denB } = RankCorrelation.parse(rank);
        expect(mirrored).toEqual({ n, num, denA: denB, denB: denA });
        expect(BigInt(num) ** 2n <= BigInt(denA) * BigInt(denB)).toBe(true);
        const rho = Number(num) / Math.sqrt(Number(denA) * Number(denB));
        expect(rhoMillionths(rank) / 1e6).toBeCloseTo(rho, 5);
      }),
    );
  });

  test('256 miners fit the record', () => {
    const side = Array.from({ length: 256 }, (_, index) => ({
      miner: `m${index}`,
      score: (index * 77) % 256,
    }));
    expect(RankCorrelation.safeParse(rankCorrelation(side, side)).success).toBe(true);
    const rank = rankCorrelation(side, side);
    expect(rank && rhoMillionths(rank)).toBe(1_000_000);
  });
});

describe('formatRho', () => {
  test.each([
    ['1', '2', '2', '0.500000'],
    ['1', '3', '3', '0.333333'],
    ['2', '3', '3', '0.666667'],
    ['-2', '3', '3', '-0.666667'],
    ['1', '2000000', '2000000', '0.000000'],
    ['3', '2000000', '2000000', '0.000002'],
    ['-1', '2000001', '2000001', '0.000000'],
    ['1', '1', '2', '0.707107'],
  ])('%s / sqrt(%s x %s) is %s', (num, denA, denB, text) => {
    expect(formatRho(rhoMillionths({ n: 2, num, denA, denB }))).toBe(text);
  });

  test('nothing to correlate is not applicable, and not zero', () => {
    expect(formatRho(null)).toBe('n/a');
  });
});

describe('meanRhoMillionths', () => {
  const one = { n: 2, num: '1', denA: '1', denB: '1' };
  const third = { n: 2, num: '1', denA: '3', denB: '3' };
  const opposite = { ...one, num: '-1' };

  test.each([
    [[], null],
    [[null, null], null],
    [[one, null], 1_000_000],
    [[one, third], 666_666],
    [[opposite, one], 0],
    [[opposite, opposite, third], -555_556],
  ])('of %j is %s', (ranks, mean) => {
    expect(meanRhoMillionths(ranks)).toBe(mean);
  });
});

describe('topOneAgreement', () => {
  test.each([
    ['a', 'a', true],
    ['a', 'b', false],
    [null, 'a', null],
    ['a', null, null],
    [null, null, null],
  ])('%s and %s: %s', (a, b, agrees) => {
    expect(topOneAgreement(a, b)).toBe(agrees);
  });
});

describe('topKOverlap', () => {
  const side = (scores: Record<string, number>): Ranked[] => read(scores);

  test('it counts the common miners of the two best sets', () => {
    expect(
      topKOverlap(side({ a: 4, b: 3, c: 2, d: 1 }), side({ a: 1, b: 2, c: 3, d: 4 }), 2),
    ).toEqual({ k: 2, common: 0 });
    expect(
      topKOverlap(side({ a: 4, b: 3, c: 2, d: 1 }), side({ a: 1, b: 2, c: 3, d: 4 }), 3),
    ).toEqual({ k: 3, common: 2 });
  });

  test('a side that names fewer miners is compared with as many of the other', () => {
    expect(topKOverlap(side({ a: 1, b: 0, c: 0 }), side({ a: 9, b: 8, c: 7 }), 3)).toEqual({
      k: 1,
      common: 1,
    });
  });

  test('a side that names nobody is not compared', () => {
    expect(topKOverlap(side({ a: 0 }), side({ a: 1 }), 3)).toBeNull();
    expect(topKOverlap([], side({ a: 1 }), 3)).toBeNull();
  });

  test('equal scores order by hotkey', () => {
    expect(topKOverlap(side({ b: 1, a: 1 }), side({ a: 1 }), 1)).toEqual({ k: 1, common: 1 });
    expect(topKOverlap(side({ b: 1, a: 1 }), side({ b: 1 }), 1)).toEqual({ k: 1, common: 0 });
  });
});

function read(scores: Readonly<Record<string, number | undefined>>): Ranked[] {
  return Object.entries(scores).flatMap(([miner, score]) =>
    score === undefined ? [] : [{ miner, score }],
  );
}

import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { NANO } from '#src/consensus/nano.ts';
import { burnVector, maxUpscale, shareVector } from '#src/consensus/vector.ts';
import { Vector } from '#src/events/weights.ts';
import vectors from '../vectors/vector.json' with { type: 'json' };

describe('maxUpscale', () => {
  test.each(vectors.upscale)('$name', ({ weights, values }) => {
    expect(maxUpscale(weights.map(BigInt))).toEqual(values);
  });

  test.each(vectors.invalid)('$name: refused', ({ weights }) => {
    expect(() => maxUpscale(weights.map(BigInt))).toThrow('input.invalid');
  });

  test('the greatest weight is 65535, and the order of weights is kept', () => {
    const weights = fc.array(fc.bigInt({ min: 0n, max: 10n ** 20n }), { minLength: 1 });
    fc.assert(
      fc.property(
        weights.filter((list) => list.some((weight) => weight > 0n)),
        (list) => {
          const values = maxUpscale(list);
          expect(Math.max(...values)).toBe(65_535);
          const order = list
            .map((_, index) => index)
            .sort((a, b) => ((list[a] ?? 0n) < (list[b] ?? 0n) ? -1 : 1));
          const sorted = order.map((index) => values[index] ?? 0);
          expect(sorted).toEqual(sorted.toSorted((a, b) => a - b));
        },
      ),
    );
  });
});

describe('shareVector', () => {
  test.each(vectors.share)('$name', ({ vector, ...share }) => {
    expect(shareVector(share)).toEqual(vector);
  });

  test('the vector is always one that the events take, pays the winner alone, and burns the rest', () => {
    const share = fc.record({
      winnerUid: fc.integer({ min: 1, max: 300 }),
      familyShare: fc.integer({ min: 1, max: NANO }),
      minVectorLength: fc.integer({ min: 1, max: 256 }),
      uids: fc.array(fc.nat(300), { maxLength: 300 }),
    });
    fc.assert(
      fc.property(share, (facts) => {
        const vector = Vector.parse(shareVector(facts));
        const paid = vector.filter(({ weight }) => weight > 0).map(({ uid }) => uid);
        expect([0, facts.winnerUid]).toEqual(expect.arrayContaining(paid));
        if (paid.length === 2)
          expect(vector.length).toBeLessThanOrEqual(Math.max(2, facts.minVectorLength));
      }),
    );
  });

  test('uid 0 cannot be the winner', () => {
    const share = { winnerUid: 0, familyShare: NANO, minVectorLength: 1, uids: [0] };
    expect(() => shareVector(share)).toThrow('winnerUid');
  });

  test.each([-1, NANO + 1, 0.5, Number.NaN])('a share of %d is refused', (familyShare) => {
    expect(() => shareVector({ winnerUid: 1, familyShare, minVectorLength: 1, uids: [] })).toThrow(
      'familyShare',
    );
  });
});

describe('burnVector', () => {
  test('everything goes to uid 0, padded like any vector', () => {
    expect(burnVector({ minVectorLength: 1, uids: [0, 1] })).toEqual([{ uid: 0, weight: 65_535 }]);
    expect(burnVector({ minVectorLength: 3, uids: [9, 4, 0] })).toEqual([
      { uid: 0, weight: 65_535 },
      { uid: 4, weight: 0 },
      { uid: 9, weight: 0 },
    ]);
  });
});

const SDK_VECTORS = new URL('../../../shared/fixtures/vectors/weights.json', import.meta.url);
const SdkVectors = z.object({
  emit: z.array(
    z.object({
      name: z.string(),
      uids: z.array(z.int()),
      weights: z.array(z.number()),
      float64_half_even: z.object({ uids: z.array(z.int()), vals: z.array(z.int()) }),
    }),
  ),
});

describe.skipIf(!existsSync(SDK_VECTORS))(
  'the SDK vectors (skipped where shared fixtures are not beside the project)',
  () => {
    test('rounding half to even gives what the SDK emits in float64', () => {
      const { emit } = SdkVectors.parse(JSON.parse(readFileSync(SDK_VECTORS, 'utf8')));
      expect(emit.length).toBeGreaterThan(5);
      for (const { name, uids, weights, float64_half_even } of emit) {
        if (weights.every((weight) => weight === 0)) {
          // The SDK emits nothing here; what it would make of nothing is never asked.
          expect(() => maxUpscale(weights.map(() => 0n)), name).toThrow('input.invalid');
          continue;
        }
        const values = maxUpscale(weights.map((weight) => BigInt(Math.round(weight * 1e12))));
        const emitted = uids.flatMap((uid, index) =>
          values[index] === 0 ? [] : [{ uid, value: values[index] }],
        );
        expect(emitted, name).toEqual(
          float64_half_even.uids.map((uid, index) => ({
            uid,
            value: float64_half_even.vals[index],
          })),
        );
      }
    });
  },
);

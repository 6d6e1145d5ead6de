import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jobCost, wholeCost } from '#src/evaluation/job-cost.ts';
import { nanoUsdOf, usdOf } from '#src/evaluation/usd.ts';

test.for([
  [0, 0],
  [-0, 0],
  [0.003, 3_000_000],
  [0.0005, 500_000],
  [30, 30_000_000_000],
  [1e-9, 1],
  // Half of a nano-USD: 2^-10 is exact, and so is the half; even wins.
  [0.000_976_562_5, 976_562],
  [0.002_929_687_5, 2_929_688],
  [5e-324, 0],
  [9_007_199.25, 9_007_199_250_000_000],
] as const)('%d USD are %d nano-USD', ([usd, nano]) => {
  expect(nanoUsdOf(usd)).toBe(nano);
});

test.for([Number.NaN, -0.001, Number.POSITIVE_INFINITY, 9_007_200] as const)(
  '%d is no amount',
  (usd) => {
    expect(() => nanoUsdOf(usd)).toThrow('input.invalid');
  },
);

test('an amount on the wire comes back as it was, up to four million dollars', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 52 }), (nano) => {
      expect(nanoUsdOf(usdOf(nano))).toBe(nano);
    }),
  );
});

test('a sum is known only when each part of it is', () => {
  const known = { knownNanoUsd: 5, unknownCalls: 0, causes: [] };
  expect(jobCost(known)).toEqual({ state: 'known', nanoUsd: 5 });
  expect(jobCost({ ...known, unknownCalls: 2, causes: ['provider', 'caller'] })).toEqual({
    state: 'unknown',
    reason: 'what 2 calls cost is not known (caller, provider)',
  });
  expect(wholeCost(jobCost(known), 0)).toEqual({ state: 'known', nanoUsd: 5 });
  expect(wholeCost(jobCost(known), 1)).toEqual({
    state: 'unknown',
    reason: 'what one call cost is not metered yet',
  });
  expect(jobCost({ ...known, knownNanoUsd: 2 ** 53 })).toMatchObject({ state: 'unknown' });
});

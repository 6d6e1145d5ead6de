import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatNano, NANO, nanoFromDouble } from '#src/consensus/nano.ts';
import { isAppError } from '#src/errors.ts';
import vectors from '../vectors/nano.json' with { type: 'json' };

describe('nanoFromDouble', () => {
  test.each(vectors.valid)('$name', ({ bits, nano }) => {
    expect(nanoFromDouble(doubleOf(bits))).toBe(nano);
  });

  test.each(vectors.invalid)('$name is refused', ({ bits }) => {
    const error = caught(() => nanoFromDouble(doubleOf(bits)));
    expect(isAppError(error, 'input.invalid')).toBe(true);
    expect(error).toMatchObject({ details: { field: 'score', expected: 'a number from 0 to 1' } });
  });

  test('a score of nine decimals comes back as its own digits', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: NANO }), (nano) => {
        expect(nanoFromDouble(nano / NANO)).toBe(nano);
      }),
    );
  });

  test('no double is moved by more than half a unit, and larger doubles never get smaller units', () => {
    const score = fc.double({ min: 0, max: 1, noNaN: true }).map((x) => x + 0);
    fc.assert(
      fc.property(score, score, (a, b) => {
        expect(Math.abs(nanoFromDouble(a) - a * NANO)).toBeLessThanOrEqual(0.5 + 1e-6);
        expect(Math.sign(nanoFromDouble(a) - nanoFromDouble(b)) * Math.sign(a - b)).not.toBe(-1);
      }),
    );
  });
});

describe('formatNano', () => {
  test.each([
    [850_000_000, '0.85'],
    [NANO, '1.00'],
    [0, '0.00'],
    [50_000_000, '0.05'],
    [1, '0.000000001'],
    [123_456_789, '0.123456789'],
    [700_000_000, '0.70'],
    [100_100_000, '0.1001'],
    [-50_000_000, '-0.05'],
  ])('%i is %s', (nano, text) => {
    expect(formatNano(nano)).toBe(text);
  });

  test('the text of a score reads back as the score', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: NANO }), (nano) => {
        expect(nanoFromDouble(Number(formatNano(nano)))).toBe(nano);
      }),
    );
  });
});

function doubleOf(bits: string): number {
  return Buffer.from(bits, 'hex').readDoubleBE();
}

function caught(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { instantOf } from '#src/consensus/instant.ts';

describe('instantOf', () => {
  test('agrees with the platform on every time that it writes', () => {
    const dates = fc.date({
      min: new Date('0000-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(dates, (date) => {
        expect(instantOf(date.toISOString())).toBe(date.getTime());
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([
    ['2026-05-15T14:04:11.123456+00:00', 1_778_853_851_123.456],
    ['2026-05-15T14:04:11+00:00', 1_778_853_851_000],
    ['2026-05-15T16:04:11+02:00', 1_778_853_851_000],
    ['2026-05-15T08:34:11-05:30', 1_778_853_851_000],
    ['2024-02-29T00:00:00Z', 1_709_164_800_000],
  ])('%s is an instant', (text, instant) => {
    expect(instantOf(text)).toBeCloseTo(instant, 2);
  });

  test.each([
    '',
    'now',
    '2026-05-15',
    '2026-05-15T14:04:11',
    '2026-05-15T14:04Z',
    '2026-05-15 14:04:11Z',
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-05-15T24:00:00Z',
    '2026-05-15T14:04:11Z ',
    '2026-05-15T14:04:11Z\n',
    '1778853851',
  ])('%j is none', (text) => {
    expect(instantOf(text)).toBeNull();
  });
});

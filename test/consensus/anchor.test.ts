import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anchorPayload, parseAnchor } from '#src/consensus/commitment.ts';
import { sha256 } from '#src/events/hash.ts';
import vectors from '../vectors/anchor.json' with { type: 'json' };

describe('an anchor', () => {
  test.each(vectors.valid)('of $name', ({ payload, anchor }) => {
    expect(anchorPayload(anchor)).toBe(payload);
    expect(parseAnchor(payload)).toEqual(anchor);
    expect(payload.length).toBeLessThanOrEqual(123);
  });

  test.each(vectors.invalid)('$name is none', ({ payload }) => {
    expect(parseAnchor(payload)).toBeNull();
  });

  test('any text is read without an exception, and what is accepted is written the same way', () => {
    const digest = fc.string().map(sha256);
    const anchor = fc
      .record({
        generation: fc.nat(65_535),
        size: fc.maxSafeNat(),
        root: digest,
        commit: fc.option(digest),
      })
      .map(anchorPayload);
    fc.assert(
      fc.property(anchor, fc.nat(), fc.string(), (payload, at, other) => {
        const place = at % payload.length;
        for (const text of [payload, payload.slice(0, place) + other + payload.slice(place + 1)]) {
          const parsed = parseAnchor(text);
          if (text === payload || parsed !== null)
            expect(parsed && anchorPayload(parsed)).toBe(text);
        }
      }),
    );
  });
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_KEPT_BYTES, recentPayloads } from '#src/runtime/recent-payloads.ts';

test('what is given are the payloads of that place, without a gap, or none', () => {
  const stored = fc.array(
    fc.record({ skipped: fc.integer({ min: 0, max: 2 }), count: fc.integer({ min: 1, max: 5 }) }),
    { maxLength: 20 },
  );
  fc.assert(
    fc.property(stored, fc.nat(60), fc.integer({ min: 1, max: 9 }), (batches, position, limit) => {
      const recent = recentPayloads();
      let size = 0;
      let since = 0;
      for (const { skipped, count } of batches) {
        size += skipped;
        if (skipped > 0) since = size;
        recent.keep(payloads(size, count), size);
        size += count;
      }
      const count = position < since ? 0 : Math.min(limit, Math.max(0, size - position));
      expect(recent.from(position, limit)).toEqual(payloads(position, count));
    }),
  );
});

test('only the newest are kept, of so many bytes', () => {
  const recent = recentPayloads();
  const [large, fitting] = [65_535, Math.floor(MAX_KEPT_BYTES / 65_535)];
  const all = Array.from({ length: fitting + 5 }, (_, index) => new Uint8Array(large).fill(index));
  recent.keep(all.slice(0, 3), 0);
  recent.keep(all.slice(3), 3);
  expect(recent.from(4, 1_000)).toEqual([]);
  expect(recent.from(5, 1_000)).toEqual(all.slice(5));
});

/** Each holds its place. */
function payloads(from: number, count: number): readonly Uint8Array[] {
  return Array.from({ length: count }, (_, index) => Uint8Array.of(from + index));
}

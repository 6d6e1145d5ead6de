import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createByteCache } from '#src/http/byte-cache.ts';
import { type ByteDocument, byteDocument } from '#src/http/signed-bytes.ts';

const keys = ['a', 'b', 'c', 'd'];
const key = fc.constantFrom(...keys);
const step = fc.oneof(
  fc.record({ kind: fc.constant('get' as const), key }),
  fc.record({ kind: fc.constant('set' as const), key, bytes: fc.integer({ min: 0, max: 9 }) }),
);

test('it holds exactly the most recently used documents that fit its bounds', () => {
  const bounds = { maxBytes: 20, maxEntries: 3 };
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
      const cache = createByteCache(bounds);
      // The model is a list, the most recently used last.
      let model: { key: string; document: ByteDocument }[] = [];
      for (const step of steps) {
        const found = model.find(({ key }) => key === step.key);
        const others = model.filter(({ key }) => key !== step.key);
        if (step.kind === 'get') {
          expect(cache.get(step.key)).toBe(found?.document);
          if (found !== undefined) model = [...others, found];
        } else {
          const document = byteDocument(Buffer.alloc(step.bytes), 'immutable');
          cache.set(step.key, document);
          model = [...others, { key: step.key, document }];
          while (model.length > bounds.maxEntries || sum(model) > bounds.maxBytes) model.shift();
        }
      }
      for (const key of keys) {
        expect(cache.get(key)).toBe(model.find((entry) => entry.key === key)?.document);
      }
    }),
    { numRuns: 500 },
  );
});

test('a document greater than the whole bound is not kept and displaces nothing', () => {
  const cache = createByteCache({ maxBytes: 10, maxEntries: 3 });
  const small = byteDocument(Buffer.alloc(10), 'immutable');
  cache.set('small', small);
  cache.set('great', byteDocument(Buffer.alloc(11), 'immutable'));
  expect(cache.get('great')).toBeUndefined();
  expect(cache.get('small')).toBe(small);
});

function sum(entries: readonly { document: ByteDocument }[]): number {
  return entries.reduce((total, { document }) => total + document.bytes.length, 0);
}

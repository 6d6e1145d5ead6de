import fc from 'fast-check';
import { expect, test } from 'vitest';
import { put, remove, rootOf, type Trie } from '#src/devchain/trie.ts';

const key = fc
  .array(fc.constantFrom('00', '01', '10', 'ab'), { maxLength: 5 })
  .map((parts) => parts.join(''));
const change = fc.record({ key, value: fc.option(fc.uint8Array({ maxLength: 40 })) });

test('a trie depends on what it holds, not on how that came about', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      let trie: Trie = null;
      const held = new Map<string, Uint8Array>();
      for (const { key: path, value } of changes) {
        trie = value === null ? remove(trie, path) : put(trie, path, value);
        if (value === null) held.delete(path);
        else held.set(path, value);
      }
      const anew = [...held]
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .reduce<Trie>((built, [path, value]) => put(built, path, value), null);
      expect(rootOf(trie)).toEqual(rootOf(anew));
    }),
    { numRuns: 300 },
  );
});

test('a trie stays what it was when another is made from it', () => {
  const before = put(put(null, 'ab', Buffer.from('1')), 'ac', Buffer.from('2'));
  const root = rootOf(before);
  put(before, 'ad', Buffer.from('3'));
  remove(before, 'ab');
  expect(rootOf(before)).toEqual(root);
  expect(remove(before, 'ad')).toBe(before);
});

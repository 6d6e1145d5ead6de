import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { leafHash } from '#src/events/hash.ts';
import { rootOf } from '#src/merkle/root.ts';
import { createTree, EMPTY_ROOT, leafOf, nodeOf, sameHash } from '#src/merkle/tree.ts';
import vectors from '../vectors/merkle.json' with { type: 'json' };
import { bytes, hex, numberedLeaves } from './leaves.ts';

describe('hashes of RFC 6962', () => {
  test.each(vectors.hashes)(
    '$name',
    ({ kind, payload = '', left = '', right = '', hash: known }) => {
      // The parts of the node are shorter than hashes: `nodeOf` itself is compared with `hashOfNode` below.
      const found = {
        leaf: leafOf(bytes(payload)),
        node: hashOfNode(left, right),
        empty: EMPTY_ROOT,
      };
      expect(hex(found[kind as keyof typeof found])).toBe(known); // safe: the file's kinds are these
    },
  );

  test('an inner node is the hash of 0x01 and both hashes', () => {
    const [left, right] = [leafOf(bytes('00')), leafOf(bytes('10'))];
    expect(hex(nodeOf(left, right))).toBe(hex(hashOfNode(hex(left), hex(right))));
  });

  test('a leaf hash is the one that an event names as its predecessor', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (payload) => {
        expect(hex(leafOf(payload))).toBe(leafHash(payload));
      }),
    );
  });
});

describe('roots', () => {
  describe.each(vectors.trees)('of $name', ({ leaves, roots }) => {
    const hashes = leaves.map((leaf) => leafOf(bytes(leaf)));

    test.each(roots)('size $size', ({ size, root }) => {
      expect(hex(rootOf(hashes.slice(0, size)))).toBe(root);
      expect(hex(grown(hashes.slice(0, size)).root())).toBe(root);
    });
  });

  test('growing leaf by leaf and the definition agree at every size up to 520', () => {
    const leaves = numberedLeaves(520);
    const tree = createTree();
    const wrong: number[] = [];
    expect(hex(tree.root())).toBe(hex(rootOf([])));
    for (const [at, leaf] of leaves.entries()) {
      tree.append(leaf);
      expect(tree.size()).toBe(at + 1);
      if (!sameHash(tree.root(), rootOf(leaves.slice(0, at + 1)))) wrong.push(at + 1);
    }
    expect(wrong).toEqual([]);
  });

  test('one changed, missing, added or moved leaf changes the root', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 300 }), fc.nat(), fc.nat(), (size, one, other) => {
        const leaves = numberedLeaves(size);
        const root = hex(rootOf(leaves));
        const at = one % size;
        const to = (at + 1 + (other % (size - 1))) % size;
        const moved = leaves.with(at, leaves[to] ?? EMPTY_ROOT).with(to, leaves[at] ?? EMPTY_ROOT);
        for (const changed of [
          leaves.with(at, leafOf(bytes('ff'))),
          leaves.toSpliced(at, 1),
          leaves.toSpliced(at, 0, leafOf(bytes('ff'))),
          moved,
        ])
          expect(hex(rootOf(changed))).not.toBe(root);
      }),
    );
  });
});

describe('the state of a tree', () => {
  test('is all that is needed to go on', () => {
    fc.assert(
      fc.property(fc.nat(600), fc.nat(600), (before, after) => {
        const leaves = numberedLeaves(before + after);
        const tree = createTree(grown(leaves.slice(0, before)).state());
        for (const leaf of leaves.slice(before)) tree.append(leaf);
        expect(tree.size()).toBe(before + after);
        expect(hex(tree.root())).toBe(hex(rootOf(leaves)));
      }),
    );
  });

  test('stays as it was when the tree goes on', () => {
    const tree = grown(numberedLeaves(7));
    const state = tree.state();
    tree.append(leafOf(bytes('00')));
    expect(hex(createTree(state).root())).toBe(hex(rootOf(numberedLeaves(7))));
  });

  test.each([
    ['a peak too few', { size: 7, peaks: numberedLeaves(2) }],
    ['a peak too many', { size: 4, peaks: numberedLeaves(2) }],
    ['a peak of 31 bytes', { size: 1, peaks: [new Uint8Array(31)] }],
    ['a size that is not whole', { size: 1.5, peaks: numberedLeaves(1) }],
    ['a size below 0', { size: -1, peaks: [] }],
  ])('%s is refused', (_name, state) => {
    expect(() => createTree(state)).toThrow('checkpoint.invalid');
  });

  test('counts beyond 32 bits', () => {
    const [peak = EMPTY_ROOT] = numberedLeaves(1);
    const tree = createTree({ size: 2 ** 40, peaks: [peak] });
    tree.append(peak);
    tree.append(peak);
    expect(tree.state()).toMatchObject({ size: 2 ** 40 + 2, peaks: { length: 2 } });
    expect(hex(tree.root())).toBe(hex(nodeOf(peak, nodeOf(peak, peak))));
  });
});

test('two hashes are the same when all their bytes are', () => {
  const [one = EMPTY_ROOT, other = EMPTY_ROOT] = numberedLeaves(2);
  expect(sameHash(one, Uint8Array.from(one))).toBe(true);
  expect(sameHash(one, other)).toBe(false);
  expect(sameHash(one, one.subarray(0, 31))).toBe(false);
  expect(sameHash(one.subarray(0, 31), one)).toBe(false);
});

function grown(leaves: readonly Uint8Array[]) {
  const tree = createTree();
  for (const leaf of leaves) tree.append(leaf);
  return tree;
}

function hashOfNode(left: string, right: string): Uint8Array {
  return hash('sha256', bytes(`01${left}${right}`), 'buffer');
}

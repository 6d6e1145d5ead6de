import { expect, test } from 'vitest';
import { rootUpTo } from '#src/merkle/proof.ts';
import { leafOf } from '#src/merkle/tree.ts';
import { naiveTree } from '../support/naive-tree.ts';
import { numberedLeaves } from './leaves.ts';

const LARGEST = 70;
const tree = naiveTree(numberedLeaves(LARGEST));

test("a leaf's proof shows what the tree was when that leaf was its last, for every leaf of every small tree", () => {
  for (let size = 1; size <= LARGEST; size += 1)
    for (const [index, leaf] of numberedLeaves(size).entries()) {
      const proof = tree.inclusion(index, size);
      const root = rootUpTo({ leaf, index, size, proof, root: tree.root(size) });
      expect([size, index, root]).toEqual([size, index, tree.root(index + 1)]);
    }
});

test('what is no proof of inclusion shows nothing', () => {
  const [leaf = leafOf(Buffer.of())] = numberedLeaves(1);
  const claim = { leaf, index: 0, size: 9, proof: tree.inclusion(0, 9), root: tree.root(9) };
  expect(rootUpTo(claim)).toEqual(leaf);
  for (const wrong of [
    { ...claim, index: 1 },
    { ...claim, index: -1 },
    { ...claim, size: 8 },
    { ...claim, root: tree.root(8) },
    { ...claim, proof: claim.proof.slice(1) },
    { ...claim, leaf: tree.root(9) },
  ])
    expect(rootUpTo(wrong)).toBeNull();
});

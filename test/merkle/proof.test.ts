import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { verifyConsistency, verifyInclusion } from '#src/merkle/proof.ts';
import { EMPTY_ROOT, type Hash } from '#src/merkle/tree.ts';
import { naiveTree } from '../support/naive-tree.ts';
import vectors from '../vectors/merkle.json' with { type: 'json' };
import { bytes, numberedLeaves } from './leaves.ts';

/** All pairs of this many are tried. */
const SMALL = 300;

const tree = naiveTree(numberedLeaves(2_000));

describe('inclusion', () => {
  test.each(vectors.inclusion)('$name: $valid', ({ leaf, index, size, proof, root, valid }) => {
    expect(
      verifyInclusion({
        leaf: bytes(leaf),
        index: BigInt(index),
        size: BigInt(size),
        proof: proof.map(bytes),
        root: bytes(root),
      }),
    ).toBe(valid);
  });

  test('each leaf of each tree of up to 300 is proved, and no other leaf by the same proof', () => {
    const leaves = numberedLeaves(SMALL);
    const wrong: string[] = [];
    for (let size = 1; size <= SMALL; size += 1) {
      const root = tree.root(size);
      for (const [index, leaf] of leaves.slice(0, size).entries()) {
        const proof = tree.inclusion(index, size);
        const claim = { leaf, index, size, proof, root };
        if (!verifyInclusion(claim)) wrong.push(`${index} of ${size}`);
        if (size > 1 && verifyInclusion({ ...claim, index: (index + 1) % size }))
          wrong.push(`${index} of ${size} passes for the next`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('a proof with one change is refused', () => {
    fc.assert(
      fc.property(place, fc.nat(), fc.nat(), ([size, index], at, bit) => {
        const [leaf = EMPTY_ROOT] = numberedLeaves(size).slice(index);
        const proof = tree.inclusion(index, size);
        const claim = { leaf, index, size, proof, root: tree.root(size) };
        expect(verifyInclusion(claim)).toBe(true);
        for (const changed of changedProofs(proof, at, bit))
          expect(verifyInclusion({ ...claim, proof: changed })).toBe(false);
        expect(verifyInclusion({ ...claim, leaf: flipped(leaf, bit) })).toBe(false);
        expect(verifyInclusion({ ...claim, root: flipped(claim.root, bit) })).toBe(false);
        if (size > 1)
          expect(verifyInclusion({ ...claim, index: (index + 1 + (at % (size - 1))) % size })).toBe(
            false,
          );
      }),
    );
  });
});

describe('consistency', () => {
  test.each(vectors.consistency)('$name: $valid', ({ from, to, proof, valid }) => {
    expect(
      verifyConsistency({
        from: { size: BigInt(from.size), root: bytes(from.root) },
        to: { size: BigInt(to.size), root: bytes(to.root) },
        proof: proof.map(bytes),
      }),
    ).toBe(valid);
  });

  test('each two trees of up to 300 are proved consistent, and no other beginning by the same proof', () => {
    const [stranger = EMPTY_ROOT] = numberedLeaves(SMALL + 1).slice(SMALL);
    const wrong: string[] = [];
    for (let to = 1; to <= SMALL; to += 1) {
      for (let from = 1; from <= to; from += 1) {
        const claim = {
          from: { size: from, root: tree.root(from) },
          to: { size: to, root: tree.root(to) },
          proof: tree.consistency(from, to),
        };
        if (!verifyConsistency(claim)) wrong.push(`${from} → ${to}`);
        if (verifyConsistency({ ...claim, from: { size: from, root: stranger } }))
          wrong.push(`${from} → ${to} passes for another root`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('a proof with one change is refused', () => {
    fc.assert(
      fc.property(place, fc.nat(), fc.nat(), ([to, index], at, bit) => {
        const from = { size: index + 1, root: tree.root(index + 1) };
        const claim = {
          from,
          to: { size: to, root: tree.root(to) },
          proof: tree.consistency(index + 1, to),
        };
        expect(verifyConsistency(claim)).toBe(true);
        for (const changed of changedProofs(claim.proof, at, bit))
          expect(verifyConsistency({ ...claim, proof: changed })).toBe(false);
        const wrongFrom = { ...from, root: flipped(from.root, bit) };
        const wrongTo = { ...claim.to, root: flipped(claim.to.root, bit) };
        expect(verifyConsistency({ ...claim, from: wrongFrom })).toBe(false);
        expect(verifyConsistency({ ...claim, to: wrongTo })).toBe(false);
      }),
    );
  });
});

test('whatever is claimed, the answer is true or false', () => {
  const hash = fc.uint8Array({ minLength: 31, maxLength: 33 });
  const size = fc.oneof(fc.double(), fc.bigInt(), fc.nat(20));
  fc.assert(
    fc.property(hash, size, size, fc.array(hash, { maxLength: 5 }), (root, one, other, proof) => {
      const [from, to] = [
        { size: one, root },
        { size: other, root },
      ];
      const claim = { leaf: root, index: one, size: other, proof, root };
      expect(typeof verifyInclusion(claim)).toBe('boolean');
      expect(typeof verifyConsistency({ from, to, proof })).toBe('boolean');
    }),
  );
});

const place = fc
  .integer({ min: 1, max: 2_000 })
  .chain((size) => fc.tuple(fc.constant(size), fc.nat(size - 1)));

/** The proof with one bit flipped, one node missing, one too many, or two that changed places. */
function changedProofs(
  proof: readonly Hash[],
  where: number,
  bit: number,
): readonly (readonly Hash[])[] {
  const extra = proof.toSpliced(where % (proof.length + 1), 0, EMPTY_ROOT);
  if (proof.length === 0) return [extra];
  const at = where % proof.length;
  const [one = EMPTY_ROOT, next] = proof.slice(at);
  const swapped = next === undefined ? [] : [proof.with(at, next).with(at + 1, one)];
  return [extra, proof.toSpliced(at, 1), proof.with(at, flipped(one, bit)), ...swapped];
}

function flipped(hash: Hash, bit: number): Hash {
  const at = bit % (hash.length * 8);
  const byte = Math.floor(at / 8);
  return Uint8Array.from(hash).with(byte, (hash[byte] ?? 0) ^ (1 << (at % 8)));
}

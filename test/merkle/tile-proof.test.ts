import { describe, expect, test } from 'vitest';
import { verifyConsistency, verifyInclusion } from '#src/merkle/proof.ts';
import { consistencyProof, inclusionProof, rootFromTiles } from '#src/merkle/tile-proof.ts';
import { EMPTY_ROOT, type Hash, sameHash } from '#src/merkle/tree.ts';
import { naiveTree } from '../support/naive-tree.ts';
import { hex, numberedLeaves } from './leaves.ts';

const MANY = 65_538;
const leaves = numberedLeaves(MANY);
const tree = naiveTree(leaves);

/** Every tree up to here, and then those around what tiles begin and end with. */
const SIZES = [...Array.from({ length: 40 }, (_, at) => at + 1), 255, 256, 257, 300, 513];

describe('from the tiles of a log', () => {
  test('the root is that of its leaves, at each size up to 300 and around 65,536', async () => {
    for (const size of [
      ...Array(301).keys(),
      511,
      512,
      513,
      768,
      65_534,
      65_535,
      65_536,
      65_537,
      MANY,
    ])
      expect(hex(await rootFromTiles(size, tree.tiles(size))), `${size}`).toBe(
        hex(tree.root(size)),
      );
  });

  test('the proof of inclusion is that of RFC 6962, for each leaf', async () => {
    const wrong: string[] = [];
    for (const size of SIZES) {
      for (let index = 0; index < size; index += 1) {
        const proof = await inclusionProof({ index, size }, tree.tiles(size));
        if (!sameHashes(proof, tree.inclusion(index, size))) wrong.push(`${index} of ${size}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('the proof of consistency is that of RFC 6962, for each earlier size', async () => {
    const wrong: string[] = [];
    for (const to of SIZES) {
      for (let from = 1; from <= to; from += 1) {
        const proof = await consistencyProof({ from, to }, tree.tiles(to));
        if (!sameHashes(proof, tree.consistency(from, to))) wrong.push(`${from} → ${to}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test.each([65_534, 65_535, 65_536, 65_537, MANY])(
    'proofs of a log with %i entries verify, at both ends of each level of its tiles',
    async (size) => {
      const read = tree.tiles(size);
      const root = tree.root(size);
      const places = [0, 1, 255, 256, 257, 32_767, 32_768, 65_279, 65_280, 65_533, 65_535, 65_536];
      for (const index of places.filter((place) => place < size)) {
        const [leaf = EMPTY_ROOT] = leaves.slice(index);
        const inclusion = await inclusionProof({ index, size }, read);
        expect(verifyInclusion({ leaf, index, size, proof: inclusion, root })).toBe(true);
        const from = { size: index + 1, root: tree.root(index + 1) };
        const consistency = await consistencyProof({ from: index + 1, to: size }, read);
        expect(verifyConsistency({ from, to: { size, root }, proof: consistency })).toBe(true);
      }
    },
  );

  test('each tile is read once for a proof', async () => {
    const asked: string[] = [];
    const read = tree.tiles(MANY);
    await inclusionProof({ index: 40_000, size: MANY }, (level, index, width) => {
      asked.push(`${level}/${index}`);
      return read(level, index, width);
    });
    expect(asked.toSorted()).toEqual(['0/156', '0/256', '1/0']);
  });
});

describe('refused', () => {
  const read = tree.tiles(300);

  test.each([
    ['an index of the size', () => inclusionProof({ index: 300, size: 300 }, read)],
    ['an index below 0', () => inclusionProof({ index: -1, size: 300 }, read)],
    ['an index that is not whole', () => inclusionProof({ index: 0.5, size: 300 }, read)],
    ['a leaf of an empty tree', () => inclusionProof({ index: 0, size: 0 }, read)],
    ['growth from size 0', () => consistencyProof({ from: 0, to: 300 }, read)],
    ['growth from a greater size', () => consistencyProof({ from: 301, to: 300 }, read)],
    ['a size below 0', () => rootFromTiles(-1, read)],
    ['a size beyond what a number holds exactly', () => rootFromTiles(2 ** 53, read)],
  ])('%s', async (_name, ask) => {
    await expect(ask()).rejects.toThrow('input.invalid');
  });

  test('a tile that is too short, with its path', async () => {
    const short = async () => new Uint8Array(31);
    await expect(rootFromTiles(300, short)).rejects.toMatchObject({
      code: 'checkpoint.invalid',
      details: { value: '31 bytes' },
    });
  });
});

function sameHashes(one: readonly Hash[], other: readonly Hash[]): boolean {
  return (
    one.length === other.length && one.every((hash, at) => sameHash(hash, other[at] ?? EMPTY_ROOT))
  );
}

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rootOf } from '#src/merkle/root.ts';
import { tilePath, tilesBetween } from '#src/merkle/tile.ts';
import { type Hash, hexOf, leafOf } from '#src/merkle/tree.ts';
import { EMPTY_EDGE, extend, partialTiles, rootOfEdge } from '#src/sequencer/second-way.ts';
import { createTileBuilder } from '#src/sequencer/tile-builder.ts';

/** Leaves of a log: more than fill a tile of the second level would take too long, 1,100 cross four bundles. */
const LEAVES: readonly Hash[] = Array.from({ length: 1_100 }, (_, index) =>
  leafOf(Buffer.from(`event ${index}`)),
);

/** Sizes that a log has one after the other. */
const sizes = fc
  .uniqueArray(
    fc.oneof(
      fc.integer({ min: 1, max: LEAVES.length }),
      fc.constantFrom(1, 2, 255, 256, 257, 511, 512, 513, 768, 1_024),
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((values) => values.toSorted((a, b) => a - b));

function hexTiles(
  tiles: Iterable<readonly [string, Uint8Array]>,
): Readonly<Record<string, string>> {
  return Object.fromEntries([...tiles].map(([path, bytes]) => [path, hexOf(bytes)]));
}

describe('a log that grows in any steps', () => {
  test('has the root of RFC 6962 after each, computed both ways', () => {
    fc.assert(
      fc.property(sizes, (steps) => {
        const builder = createTileBuilder();
        let [edge, size] = [EMPTY_EDGE, 0];
        for (const next of steps) {
          const leaves = LEAVES.slice(size, next);
          for (const leaf of leaves) builder.append(leaf);
          const second = extend(edge, size, leaves);
          const expected = hexOf(rootOf(LEAVES.slice(0, next)));
          expect(hexOf(builder.root())).toBe(expected);
          expect(hexOf(second.root)).toBe(expected);
          expect(hexOf(rootOfEdge(second.edge))).toBe(expected);
          [edge, size] = [second.edge, next];
        }
      }),
      { numRuns: 40 },
    );
  });

  test('writes the tiles that tlog-tiles asks for, the same ones both ways', () => {
    fc.assert(
      fc.property(sizes, (steps) => {
        const builder = createTileBuilder();
        let [edge, size] = [EMPTY_EDGE, 0];
        for (const next of steps) {
          const leaves = LEAVES.slice(size, next);
          for (const leaf of leaves) builder.append(leaf);
          const first = builder.takeTiles(size).map(({ path, bytes }) => [path, bytes] as const);
          const second = extend(edge, size, leaves);
          expect(hexTiles(first)).toEqual(hexTiles(second.tiles));
          const paths = tilesBetween(size, next).map(({ level, index, width }) =>
            tilePath(level, index, width),
          );
          expect(first.map(([path]) => path)).toEqual(paths);
          [edge, size] = [second.edge, next];
        }
      }),
      { numRuns: 40 },
    );
  });

  test('ends in the partial tiles that are published at its size', () => {
    const { edge } = extend(EMPTY_EDGE, 0, LEAVES.slice(0, 700));
    expect(Object.keys(hexTiles(partialTiles(edge, 700)))).toEqual([
      'tile/0/002.p/188',
      'tile/1/000.p/2',
    ]);
    expect([...partialTiles(EMPTY_EDGE, 0)]).toEqual([]);
  });
});

test('a log of 65,536 events and three more has tiles of three levels', () => {
  const leaf = leafOf(Buffer.from('event'));
  const many = Array.from({ length: 65_539 }, () => leaf);
  const { root, tiles } = extend(EMPTY_EDGE, 0, many);
  expect(hexOf(root)).toBe(hexOf(rootOf(many)));
  expect([...tiles.keys()].filter((path) => !path.startsWith('tile/0'))).toEqual([
    'tile/1/000',
    'tile/2/000.p/1',
  ]);
});

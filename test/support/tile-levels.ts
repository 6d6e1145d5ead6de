import { TILE_WIDTH } from '#src/merkle/tile.ts';
import { createTree, type Hash } from '#src/merkle/tree.ts';

/** The hashes of each level of a log's tiles: of its leaves, then of each full tile of the level below. */
export function tileLevels(leaves: readonly Hash[]): readonly (readonly Hash[])[] {
  const full = Math.floor(leaves.length / TILE_WIDTH);
  if (full === 0) return [leaves];
  const above = Array.from({ length: full }, (_, index) =>
    treeRoot(leaves.slice(index * TILE_WIDTH, (index + 1) * TILE_WIDTH)),
  );
  return [leaves, ...tileLevels(above)];
}

/** The root over these hashes. */
export function treeRoot(hashes: readonly Hash[]): Hash {
  const tree = createTree();
  for (const hash of hashes) tree.append(hash);
  return tree.root();
}

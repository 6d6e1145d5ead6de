import { rootOf } from '../merkle/root.ts';
import { TILE_WIDTH, tilePath } from '../merkle/tile.ts';
import type { Hash } from '../merkle/tree.ts';

/**
 * What is kept of a verified log to go on from: for each level of tiles, lowest first, the hashes of its last
 * tile while that is not full. At most 255 hashes a level, four levels for four billion events.
 */
export type Edge = readonly (readonly Hash[])[];

/** The edge of a log without events. */
export const EMPTY_EDGE: Edge = [];

export type Extended = Readonly<{
  edge: Edge;
  root: Hash;
  /** Every hash tile that growing by these leaves writes, by its path. */
  tiles: ReadonlyMap<string, Uint8Array>;
}>;

/**
 * Root and tiles of a log of `size` events that grows by `leaves`, computed the second way. The tree over blocks
 * of 256 leaves is the tree over the roots of the blocks, because every split of RFC 6962 section 2.1 in a tree
 * of more than 256 leaves falls on a multiple of 256. So `rootOf`, which is the RFC's own recursion, is applied
 * to one tile at a time, and blocks that were verified before are never needed again.
 */
export function extend(edge: Edge, size: number, leaves: readonly Hash[]): Extended {
  const tiles = new Map<string, Uint8Array>();
  const grown: (readonly Hash[])[] = [];
  let arrived = leaves;
  for (let level = 0; level < edge.length || arrived.length > 0; level++) {
    const full = Math.floor(size / TILE_WIDTH ** (level + 1));
    const blocks = blocksOf([...(edge[level] ?? []), ...arrived]);
    if (arrived.length > 0) {
      for (const [at, hashes] of blocks.entries())
        tiles.set(tilePath(level, full + at, hashes.length), Buffer.concat(hashes));
    }
    const last = blocks.at(-1) ?? [];
    grown.push(last.length < TILE_WIDTH ? last : []);
    arrived = blocks.filter(({ length }) => length === TILE_WIDTH).map(rootOf);
  }
  return { edge: grown, root: rootOfEdge(grown), tiles };
}

/** The root of the log that ends in this edge: each level's hashes, with the root of what is below to their right. */
export function rootOfEdge(edge: Edge): Hash {
  let below: readonly Hash[] = [];
  for (const hashes of edge) {
    const row = [...hashes, ...below];
    if (row.length > 0) below = [rootOf(row)];
  }
  return below[0] ?? rootOf([]);
}

/** The partial tiles of a log of that size that ends in this edge, by their paths. */
export function partialTiles(edge: Edge, size: number): ReadonlyMap<string, Uint8Array> {
  const tiles = new Map<string, Uint8Array>();
  for (const [level, hashes] of edge.entries()) {
    if (hashes.length === 0) continue;
    const index = Math.floor(size / TILE_WIDTH ** (level + 1));
    tiles.set(tilePath(level, index, hashes.length), Buffer.concat(hashes));
  }
  return tiles;
}

function blocksOf(row: readonly Hash[]): readonly (readonly Hash[])[] {
  const count = Math.ceil(row.length / TILE_WIDTH);
  return Array.from({ length: count }, (_, at) =>
    row.slice(at * TILE_WIDTH, (at + 1) * TILE_WIDTH),
  );
}

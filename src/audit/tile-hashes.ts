import { TILE_WIDTH } from '../merkle/tile.ts';
import { foldPeaks, HASH_BYTES, type Hash, nodeOf } from '../merkle/tree.ts';

/** The hashes of every tile of a growing log, computed from its leaves: 32 bytes for an event and a little more. */
export type TileHashes = Readonly<{
  size: () => number;
  append: (leaf: Hash) => void;
  /** The `width` hashes of a tile, as it has to be served. Undefined beyond the log. */
  tile: (level: number, index: number, width: number) => Uint8Array | undefined;
  /** The roots of the largest full subtrees, left to right: what a tree goes on from. */
  peaks: () => readonly Hash[];
  /** The root of the tree over the first `size` leaves, from the tiles alone. Undefined beyond the log. */
  rootAt: (size: number) => Hash | undefined;
}>;

/** The tiles of an empty log. A tile is a whole subtree of eight levels, so each full one is a hash of the level above. */
export function createTileHashes(): TileHashes {
  const levels: Level[] = [];
  const put = (at: number, hash: Hash): void => {
    levels[at] ??= { count: 0, tiles: [] };
    const level = levels[at];
    const place = level.count % TILE_WIDTH;
    if (place === 0) level.tiles.push(new Uint8Array(TILE_WIDTH * HASH_BYTES));
    const tile = level.tiles.at(-1);
    tile?.set(hash, place * HASH_BYTES);
    level.count += 1;
    if (place === TILE_WIDTH - 1 && tile !== undefined) put(at + 1, subtreeOf(tile));
  };
  const size = (): number => levels[0]?.count ?? 0;
  const tile: TileHashes['tile'] = (at, index, width) => {
    const level = levels[at];
    if (level === undefined || index * TILE_WIDTH + width > level.count) return undefined;
    return level.tiles[index]?.subarray(0, width * HASH_BYTES);
  };
  const subtree = (height: number, index: number): Hash => {
    const width = 2 ** (height % TILE_LEVELS);
    const first = index * width;
    const from = (first % TILE_WIDTH) * HASH_BYTES;
    const hashes = levels[Math.floor(height / TILE_LEVELS)]?.tiles[Math.floor(first / TILE_WIDTH)];
    return subtreeOf(hashes?.subarray(from, from + width * HASH_BYTES) ?? new Uint8Array(0));
  };
  const peaksOf = (count: number): readonly Hash[] => {
    const peaks: Hash[] = [];
    for (let start = 0; start < count; ) {
      const height = Math.floor(Math.log2(count - start));
      peaks.push(subtree(height, start / 2 ** height));
      start += 2 ** height;
    }
    return peaks;
  };
  return {
    size,
    append: (leaf) => put(0, leaf),
    tile,
    peaks: () => peaksOf(size()),
    rootAt: (count) => (count > size() ? undefined : foldPeaks(peaksOf(count))),
  };
}

type Level = { count: number; tiles: Uint8Array[] };

/** Levels of the tree in one tile. */
const TILE_LEVELS = Math.log2(TILE_WIDTH);

/** The root over hashes whose count is a power of two. */
function subtreeOf(hashes: Uint8Array): Hash {
  let row = Array.from({ length: hashes.length / HASH_BYTES }, (_, at) =>
    hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES),
  );
  while (row.length > 1) {
    const below = row;
    row = Array.from({ length: below.length / 2 }, (_, at) =>
      nodeOf(below[2 * at] ?? NOTHING, below[2 * at + 1] ?? NOTHING),
    );
  }
  return row[0] ?? NOTHING;
}

const NOTHING = new Uint8Array(0);

import { TILE_WIDTH } from '../merkle/tile.ts';
import { foldPeaks, HASH_BYTES, type Hash, hexOf, subtreeOf } from '../merkle/tree.ts';

/** The hashes of every tile of a growing log, computed from its leaves: 32 bytes for an event and a little more. */
export type TileHashes = Readonly<{
  size: () => number;
  /** Takes the next leaf hash, in hex as `leafHash` gives it. */
  append: (leaf: string) => void;
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
  const put = (at: number, hash: string): void => {
    levels[at] ??= { count: 0, tiles: [] };
    const level = levels[at];
    const place = level.count % TILE_WIDTH;
    if (place === 0) level.tiles.push(Buffer.alloc(TILE_WIDTH * HASH_BYTES));
    const tile = level.tiles.at(-1);
    tile?.write(hash, place * HASH_BYTES, 'hex');
    level.count += 1;
    if (place === TILE_WIDTH - 1 && tile !== undefined) put(at + 1, hexOf(subtreeOf(tile)));
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

type Level = { count: number; tiles: Buffer[] };

/** Levels of the tree in one tile. */
const TILE_LEVELS = Math.log2(TILE_WIDTH);

import { AppError } from '../errors.ts';
import { TILE_WIDTH, tilePath } from './tile.ts';
import { foldPeaks, HASH_BYTES, type Hash, nodeOf } from './tree.ts';

/** Gives the bytes of a tile, 32·width. It is asked only for tiles that a log of the size in question publishes. */
export type ReadTile = (level: number, index: number, width: number) => Promise<Uint8Array>;

/**
 * The proof that a leaf stands at `index` in the tree of that size, from its tiles: the siblings from the leaf up
 * (RFC 6962 section 2.1.1). Throws `input.invalid` for an index beyond the size, `checkpoint.invalid` for a tile of a wrong length.
 */
export async function inclusionProof(
  { index, size }: { index: number; size: number },
  read: ReadTile,
): Promise<readonly Hash[]> {
  requireCount('size', size, 1);
  requireCount('index', index, 0, size - 1);
  return hashRanges(inclusionRanges(index, { start: 0, end: size }), size, read);
}

/**
 * The proof that the tree of size `from` is the beginning of the tree of size `to`, from the tiles of the latter
 * (RFC 6962 section 2.1.2). Throws `input.invalid` unless 1 ≤ from ≤ to, `checkpoint.invalid` for a tile of a wrong length.
 */
export async function consistencyProof(
  { from, to }: { from: number; to: number },
  read: ReadTile,
): Promise<readonly Hash[]> {
  requireCount('to', to, 1);
  requireCount('from', from, 1, to);
  return hashRanges(consistencyRanges(from, { start: 0, end: to }, true), to, read);
}

/** The root of the tree of that size, from the tiles at its right edge. Throws as the proofs do. */
export async function rootFromTiles(size: number, read: ReadTile): Promise<Hash> {
  requireCount('size', size, 0);
  return hashRange({ start: 0, end: size }, tileReader(size, read));
}

/** The leaves from `start` to before `end`, which are a subtree of the tree. */
type Range = Readonly<{ start: number; end: number }>;

/** PATH(m, D[n]) of RFC 6962 section 2.1.1, as the subtrees whose hashes it consists of. */
function inclusionRanges(index: number, tree: Range): readonly Range[] {
  if (tree.end - tree.start === 1) return [];
  const { left, right } = split(tree);
  return index < left.end
    ? [...inclusionRanges(index, left), right]
    : [...inclusionRanges(index, right), left];
}

/** SUBPROOF(m, D[n], b) of RFC 6962 section 2.1.2, as subtrees; `known` is b: the verifier has this subtree's hash. */
function consistencyRanges(from: number, tree: Range, known: boolean): readonly Range[] {
  if (from === tree.end) return known ? [] : [tree];
  const { left, right } = split(tree);
  return from <= left.end
    ? [...consistencyRanges(from, left, known), right]
    : [...consistencyRanges(from, right, false), left];
}

/** A subtree's two sides: the left one has the largest power of two of leaves that is less than all. */
function split({ start, end }: Range): { left: Range; right: Range } {
  let width = 1;
  while (2 * width < end - start) width *= 2;
  const middle = start + width;
  return { left: { start, end: middle }, right: { start: middle, end } };
}

async function hashRanges(
  ranges: readonly Range[],
  size: number,
  read: ReadTile,
): Promise<readonly Hash[]> {
  const readOnce = tileReader(size, read);
  return Promise.all(ranges.map((range) => hashRange(range, readOnce)));
}

/** The hash of a subtree: that of its full subtrees, each of which lies within one tile. */
async function hashRange(range: Range, tile: TileHashes): Promise<Hash> {
  const peaks: Promise<Hash>[] = [];
  for (let { start } = range; start < range.end; ) {
    let level = 0;
    while (2 ** (level + 1) <= range.end - start) level += 1;
    peaks.push(fullSubtree(level, start / 2 ** level, tile));
    start += 2 ** level;
  }
  return foldPeaks(await Promise.all(peaks));
}

/** The node at a level of the tree and an index in that level: what the hashes of the tile below it fold to. */
async function fullSubtree(level: number, index: number, tile: TileHashes): Promise<Hash> {
  const tileLevel = Math.floor(level / TILE_LEVELS);
  const width = 2 ** (level % TILE_LEVELS);
  const start = (index * width) % TILE_WIDTH;
  const hashes = await tile(tileLevel, Math.floor((index * width) / TILE_WIDTH));
  return perfectRoot(hashes.slice(start, start + width));
}

/** Levels of the tree in one tile. */
const TILE_LEVELS = Math.log2(TILE_WIDTH);

function perfectRoot(hashes: readonly Hash[]): Hash {
  if (hashes.length <= 1) return foldPeaks(hashes);
  const middle = hashes.length / 2;
  return nodeOf(perfectRoot(hashes.slice(0, middle)), perfectRoot(hashes.slice(middle)));
}

type TileHashes = (level: number, index: number) => Promise<readonly Hash[]>;

/** Reads each tile of a log of that size once, as wide as such a log has it. */
function tileReader(size: number, read: ReadTile): TileHashes {
  const known = new Map<string, Promise<readonly Hash[]>>();
  return async (level, index) => {
    const hashes = Math.floor(size / TILE_WIDTH ** level);
    const width = Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH);
    const path = tilePath(level, index, width);
    const reading =
      known.get(path) ?? read(level, index, width).then((bytes) => cut(bytes, path, width));
    known.set(path, reading);
    return reading;
  };
}

function cut(bytes: Uint8Array, path: string, width: number): readonly Hash[] {
  if (bytes.length !== width * HASH_BYTES)
    throw new AppError('checkpoint.invalid', {
      field: path,
      value: `${bytes.length} bytes`,
      expected: `${width * HASH_BYTES} bytes`,
    });
  return Array.from({ length: width }, (_, at) =>
    bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES),
  );
}

function requireCount(field: string, value: number, least: number, most?: number): void {
  if (Number.isSafeInteger(value) && value >= least && (most === undefined || value <= most))
    return;
  const range = most === undefined ? `at least ${least}` : `from ${least} to ${most}`;
  throw new AppError('input.invalid', { field, value, expected: `a whole number, ${range}` });
}

import { isAppError } from '../errors.ts';
import { verifyInclusion } from '../merkle/proof.ts';
import { TILE_WIDTH } from '../merkle/tile.ts';
import { inclusionProof, type ReadTile } from '../merkle/tile-proof.ts';
import { HASH_BYTES, type Hash, sameHash } from '../merkle/tree.ts';

/** One of the histories that a log showed: the size and root that it stands for, and where its tiles are. */
export type Face = Readonly<{ size: number; root: Hash; read: ReadTile }>;

/** A leaf hash, and the proof that it stands in its tree. */
export type ProvenLeaf = Readonly<{ leaf: Hash; proof: readonly Hash[] }>;

/** One index at which two trees have different leaves: no log that only grows has both. */
export type ForkPoint = Readonly<{ index: number; one: ProvenLeaf; other: ProvenLeaf }>;

/**
 * The first leaf at which two histories of one log part, with the proofs of both; null when the smaller one
 * is the beginning of the other, or when the tiles are not what the roots stand for. Of each history it reads
 * one tile a level on the way down and those that the proof takes: at most 21 of the largest log. What the
 * readers throw is thrown.
 */
export async function findForkPoint(one: Face, other: Face): Promise<ForkPoint | null> {
  const faces = [one, other].map((face) => ({ ...face, read: readOnce(face.read) }));
  const [first, second] = faces;
  if (first === undefined || second === undefined) return null;
  try {
    const index = await firstDifference(first, second);
    if (index === null) return null;
    const proven = [await prove(first, index), await prove(second, index)] as const;
    return proven[0] === null || proven[1] === null
      ? null
      : { index, one: proven[0], other: proven[1] };
  } catch (error) {
    // A tile of a wrong length: whoever serves it serves no log.
    if (isAppError(error, 'checkpoint.invalid')) return null;
    throw error;
  }
}

/**
 * The index of the first leaf that differs, as far as the tiles say. Down from the level whose one tile spans
 * what both have: into the first of its hashes that differs, or, where all are equal, into what stands right
 * of them and is no full subtree of both.
 */
async function firstDifference(one: Face, other: Face): Promise<number | null> {
  const common = Math.min(one.size, other.size);
  let level = 0;
  while (TILE_WIDTH ** (level + 1) < common) level += 1;
  let parent = 0;
  let differs = false;
  for (; level >= 0; level -= 1) {
    const first = parent * TILE_WIDTH;
    const width = Math.min(TILE_WIDTH, Math.floor(common / TILE_WIDTH ** level) - first);
    const at = await compareTiles({ level, index: parent, width }, one, other);
    // A subtree whose hashes differ has children that do, or its tiles are not of one tree.
    if (at === null && differs) return null;
    differs = at !== null;
    parent = first + (at ?? width);
    if (parent * TILE_WIDTH ** level >= common) return null;
  }
  return differs ? parent : null;
}

/** The place of the first hash of a tile that differs, among those that both trees have; null when none does. */
async function compareTiles(
  { level, index, width }: Readonly<{ level: number; index: number; width: number }>,
  one: Face,
  other: Face,
): Promise<number | null> {
  if (width <= 0) return null;
  const tiles = [
    await readTile({ level, index }, one),
    await readTile({ level, index }, other),
  ] as const;
  for (let at = 0; at < width; at += 1)
    if (!sameHash(hashIn(tiles[0], at), hashIn(tiles[1], at))) return at;
  return null;
}

async function prove({ size, root, read }: Face, index: number): Promise<ProvenLeaf | null> {
  const tile = await readTile({ level: 0, index: Math.floor(index / TILE_WIDTH) }, { size, read });
  const leaf = hashIn(tile, index % TILE_WIDTH);
  const proof = await inclusionProof({ index, size }, read);
  return verifyInclusion({ leaf, index, size, proof, root }) ? { leaf, proof } : null;
}

/** A tile, as wide as a log of that size publishes it. */
function readTile(
  { level, index }: Readonly<{ level: number; index: number }>,
  { size, read }: Pick<Face, 'size' | 'read'>,
): Promise<Uint8Array> {
  const count = Math.floor(size / TILE_WIDTH ** level) - index * TILE_WIDTH;
  return read(level, index, Math.min(TILE_WIDTH, count));
}

/** The descent and the proof ask for the same tiles. */
function readOnce(read: ReadTile): ReadTile {
  const tiles = new Map<string, Promise<Uint8Array>>();
  return (level, index, width) => {
    const name = `${level}/${index}/${width}`;
    const tile = tiles.get(name) ?? read(level, index, width);
    tiles.set(name, tile);
    return tile;
  };
}

function hashIn(tile: Uint8Array, at: number): Hash {
  return tile.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES);
}

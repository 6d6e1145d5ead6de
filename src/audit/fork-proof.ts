import { z } from 'zod';
import { isAppError } from '../errors.ts';
import { Hex32 } from '../events/scalars.ts';
import { rootUpTo } from '../merkle/proof.ts';
import { TILE_WIDTH } from '../merkle/tile.ts';
import { inclusionProof, type ReadTile } from '../merkle/tile-proof.ts';
import { HASH_BYTES, type Hash, hashOf, hexOf, sameHash } from '../merkle/tree.ts';

/** A tree of 2^53 leaves. */
const MAX_PROOF_HASHES = 53;

/**
 * What a tree was at a smaller size: the leaf that was its last then, with the proof that it stands in the
 * tree. All the hashes on the left of a proof's path are the smaller tree's, so its root follows.
 */
export const Prefix = z.strictObject({ leaf: Hex32, proof: z.array(Hex32).max(MAX_PROOF_HASHES) });
export type Prefix = z.infer<typeof Prefix>;

/** The size and root that somebody stands for. */
export type SizedTree = Readonly<{ size: number; root: Hash }>;

/**
 * Shows that the larger of two trees never was the smaller one, from the larger one's tiles alone: what it
 * was at that size. Null when the smaller one is its beginning, or when the tiles are not those of its root or
 * are missing (`checkpoint.invalid`). What else the reader throws is thrown.
 */
export async function forkProof(
  smaller: SizedTree,
  larger: SizedTree & Readonly<{ read: ReadTile }>,
): Promise<Prefix | null> {
  if (smaller.size < 1 || smaller.size >= larger.size) return null;
  try {
    const prefix = await readPrefix(smaller.size, larger);
    const root = rootOfPrefix(prefix, smaller.size, larger);
    return root === null || sameHash(root, smaller.root) ? null : prefix;
  } catch (error) {
    // A tile that is missing or of a wrong length: what is served there is no log.
    if (isAppError(error, 'checkpoint.invalid')) return null;
    throw error;
  }
}

/** The root that a tree had at a smaller size; null when it is not shown, or there was no such size. */
export function rootOfPrefix(
  { leaf, proof }: Prefix,
  smaller: number,
  { size, root }: SizedTree,
): Hash | null {
  const hashes = proof.map(hashOf);
  return rootUpTo({ leaf: hashOf(leaf), index: smaller - 1, size, proof: hashes, root });
}

async function readPrefix(
  smaller: number,
  { size, read }: Readonly<{ size: number; read: ReadTile }>,
): Promise<Prefix> {
  const index = smaller - 1;
  const proof = await inclusionProof({ index, size }, read);
  const tile = Math.floor(index / TILE_WIDTH);
  const hashes = await read(0, tile, Math.min(TILE_WIDTH, size - tile * TILE_WIDTH));
  const at = (index % TILE_WIDTH) * HASH_BYTES;
  return { leaf: hexOf(hashes.subarray(at, at + HASH_BYTES)), proof: proof.map(hexOf) };
}

import { isAppError } from '../errors.ts';
import { decodeEntries, entriesPath, parseTilePath, TILE_WIDTH, tilePath } from '../merkle/tile.ts';
import { rootFromTiles } from '../merkle/tile-proof.ts';
import { HASH_BYTES, type Hash, hexOf, leafOf } from '../merkle/tree.ts';
import type { LogFiles } from './log-files.ts';
import { readPublished, requirePublished } from './published-file.ts';

/** A published file that is missing, or that holds other bytes than the log it belongs to. */
export type TileFault = Readonly<{ kind: 'missing' | 'damaged'; file: string }>;

type Files = Pick<LogFiles, 'read'>;

/** The leaf hashes from `from` to before `to` of a published log of that size, hashed anew from its bundles. */
export async function publishedLeaves(
  files: Files,
  { from, to, size }: Readonly<{ from: number; to: number; size: number }>,
): Promise<readonly Hash[] | TileFault> {
  const leaves: Hash[] = [];
  while (from + leaves.length < to) {
    const at = from + leaves.length;
    const index = Math.floor(at / TILE_WIDTH);
    const start = index * TILE_WIDTH;
    const payloads = await readBundle(files, index, Math.min(TILE_WIDTH, size - start));
    if ('kind' in payloads) return payloads;
    for (const payload of payloads.slice(at - start, to - start)) leaves.push(leafOf(payload));
  }
  return leaves;
}

/** The payloads of one published bundle, or what is wrong with it. */
export async function readBundle(
  files: Files,
  index: number,
  width: number,
): Promise<readonly Uint8Array[] | TileFault> {
  const file = entriesPath(index, width);
  try {
    const bytes = await readPublished(files, file);
    if (bytes === null) return { kind: 'missing', file };
    const payloads = decodeEntries(bytes);
    return payloads.length === width ? payloads : { kind: 'damaged', file };
  } catch (error) {
    if (isAppError(error, 'checkpoint.invalid')) return { kind: 'damaged', file };
    throw error;
  }
}

/** The first of these tiles that is not published with these bytes; null when all are. */
export async function tileFault(
  files: Files,
  tiles: Iterable<readonly [string, Uint8Array]>,
): Promise<TileFault | null> {
  for (const [file, expected] of tiles) {
    const found = await readPublished(files, file);
    if (found === null) return { kind: 'missing', file };
    if (Buffer.compare(found, expected) !== 0) return { kind: 'damaged', file };
  }
  return null;
}

/** True for a tile that never changes any more. */
export function isFullTile(path: string): boolean {
  return parseTilePath(path)?.width === TILE_WIDTH;
}

/**
 * The root, 64 hex digits, that a log had when it was of `size`, from the tiles that it publishes at `now` events:
 * what was a narrower tile then is the beginning of today's.
 */
export async function rootAt(files: Files, now: number, size: number): Promise<string> {
  const root = await rootFromTiles(size, async (level, index, width) => {
    const hashes = Math.floor(now / TILE_WIDTH ** level);
    const today = Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH);
    const tile = await requirePublished(files, tilePath(level, index, today));
    return tile.subarray(0, width * HASH_BYTES);
  });
  return hexOf(root);
}

import { AppError } from '../errors.ts';
import {
  decodeEntries,
  encodeEntries,
  entriesPath,
  parseTilePath,
  TILE_WIDTH,
  tilePath,
} from '../merkle/tile.ts';
import { HASH_BYTES } from '../merkle/tree.ts';
import type { LogFiles } from './log-files.ts';

/**
 * The bytes of a published file. A partial tile is the beginning of the full one, so where the full one is
 * published the partial ones are not kept: they are cut from it. Null where the log has no such file.
 */
export async function readPublished(
  files: Pick<LogFiles, 'read'>,
  path: string,
): Promise<Uint8Array | null> {
  const bytes = await files.read(path);
  const ref = bytes === null ? parseTilePath(path) : null;
  if (ref === null || ref.width === TILE_WIDTH) return bytes;
  if (ref.kind === 'tile') {
    const full = await files.read(tilePath(ref.level, ref.index, TILE_WIDTH));
    return full === null ? null : full.subarray(0, ref.width * HASH_BYTES);
  }
  const full = await files.read(entriesPath(ref.index, TILE_WIDTH));
  return full === null ? null : encodeEntries(decodeEntries(full).slice(0, ref.width));
}

/** The bytes of a file that a log of this size has published. Throws `checkpoint.invalid` where it is missing. */
export async function requirePublished(
  files: Pick<LogFiles, 'read'>,
  path: string,
): Promise<Uint8Array> {
  const bytes = await readPublished(files, path);
  if (bytes === null)
    throw new AppError('checkpoint.invalid', {
      field: path,
      found: 'nothing',
      expected: 'a published file',
    });
  return bytes;
}

import { encodeEntries, entriesBetween, entriesPath, TILE_WIDTH } from '../merkle/tile.ts';
import type { LogFile } from './log-files.ts';

/**
 * The bundles of entries that a log writes to grow from one size to another; `payloads` begin with the bundle
 * that the first new event goes into.
 */
export function bundlesBetween(
  payloads: readonly Uint8Array[],
  from: number,
  to: number,
): readonly LogFile[] {
  return entriesBetween(from, to).map(({ index, width }, at) => ({
    path: entriesPath(index, width),
    bytes: encodeEntries(payloads.slice(at * TILE_WIDTH, at * TILE_WIDTH + width)),
  }));
}

import type { LogSource } from '#src/audit/log-source.ts';
import {
  encodeEntries,
  entriesBetween,
  entriesPath,
  TILE_WIDTH,
  tilePath,
  tilesBetween,
} from '#src/merkle/tile.ts';
import { leafOf, nodeOf } from '#src/merkle/tree.ts';

/** The files of a published log, by path; whoever changes one tampers with it. */
export type LogFiles = Map<string, Uint8Array>;

/** What a log of these events publishes, under this checkpoint. */
export function filesOf(payloads: readonly Uint8Array[], note: Uint8Array): LogFiles {
  const files: LogFiles = new Map([['checkpoint', note]]);
  const size = payloads.length;
  for (const { index, width } of entriesBetween(0, size)) {
    const from = index * TILE_WIDTH;
    files.set(entriesPath(index, width), encodeEntries(payloads.slice(from, from + width)));
  }
  const levels = [payloads.map(leafOf)];
  for (const { level, index, width } of tilesBetween(0, size)) {
    for (let below = levels.length; below <= level; below++)
      levels.push(full(levels[below - 1] ?? []));
    const from = index * TILE_WIDTH;
    files.set(
      tilePath(level, index, width),
      Buffer.concat(levels[level]?.slice(from, from + width) ?? []),
    );
  }
  return files;
}

/** A source that reads such files. */
export function sourceOf(files: LogFiles, name = 'memory'): LogSource {
  const read = (path: string): Promise<Uint8Array | null> =>
    Promise.resolve(files.get(path) ?? null);
  return {
    name,
    checkpoint: () => read('checkpoint'),
    entries: (index, width) => read(entriesPath(index, width)),
    tile: (level, index, width) => read(tilePath(level, index, width)),
  };
}

/** The roots of full tiles' worth of hashes. */
function full(hashes: readonly Uint8Array[]): Uint8Array[] {
  return Array.from({ length: Math.floor(hashes.length / TILE_WIDTH) }, (_, at) => {
    let row = hashes.slice(at * TILE_WIDTH, (at + 1) * TILE_WIDTH);
    while (row.length > 1)
      row = Array.from({ length: row.length / 2 }, (_, pair) =>
        nodeOf(row[2 * pair] ?? new Uint8Array(0), row[2 * pair + 1] ?? new Uint8Array(0)),
      );
    return row[0] ?? new Uint8Array(0);
  });
}

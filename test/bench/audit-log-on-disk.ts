import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createTileHashes } from '#src/audit/tile-hashes.ts';
import { leafHash } from '#src/events/hash.ts';
import {
  encodeEntries,
  entriesPath,
  TILE_WIDTH,
  tilePath,
  tilesBetween,
} from '#src/merkle/tile.ts';
import { noteOfTree, writeHonestLog } from '../support/honest-log.ts';

export type Shape = Parameters<typeof writeHonestLog>[0];

/** Writes the files of an honest validator's published log below a folder. Gives how many events it has. */
export function writeLogFiles(folder: string, shape: Shape): number {
  const hashes = createTileHashes();
  let bundle: Uint8Array[] = [];
  // Synchronously: a million events that wait to be written would not fit into memory.
  const put = (path: string, bytes: Uint8Array): void => {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  };
  const flush = (): void => {
    const index = Math.floor((hashes.size() - 1) / TILE_WIDTH);
    put(entriesPath(index, bundle.length), encodeEntries(bundle));
    bundle = [];
  };
  writeHonestLog(shape, (payload) => {
    bundle.push(payload);
    hashes.append(leafHash(payload));
    if (bundle.length === TILE_WIDTH) flush();
  });
  if (bundle.length > 0) flush();
  const size = hashes.size();
  for (const { level, index, width } of tilesBetween(0, size))
    put(tilePath(level, index, width), hashes.tile(level, index, width) ?? NOTHING);
  put('checkpoint', noteOfTree({ size, root: hashes.rootAt(size) ?? NOTHING }));
  return size;
}

const NOTHING = new Uint8Array(0);

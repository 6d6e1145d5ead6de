import type { PublishedLog } from '#src/http/published-log.ts';
import {
  encodeEntries,
  entriesBetween,
  entriesPath,
  TILE_WIDTH,
  tilePath,
  tilesBetween,
} from '#src/merkle/tile.ts';
import { type Hash, leafOf } from '#src/merkle/tree.ts';
import { tileLevels, treeRoot } from '../support/tile-levels.ts';

/** A published log in memory, as its files. */
export type FakeLog = PublishedLog &
  Readonly<{
    payloads: readonly Uint8Array[];
    /** Every file by its path, the checkpoint among them. */
    files: ReadonlyMap<string, Uint8Array>;
    root: Hash;
  }>;

/** A log that grew through `sizes`, with a checkpoint at each: the partial tiles of all of them are there. */
export function fakeLog(sizes: readonly number[]): FakeLog {
  const size = sizes.at(-1) ?? 0;
  const payloads = Array.from({ length: size }, (_, n) => Buffer.from(`{"n":${n}}`));
  const leaves = payloads.map(leafOf);
  const levels = tileLevels(leaves);
  const files = new Map<string, Uint8Array>();
  for (const [at, to] of sizes.entries()) {
    const from = sizes[at - 1] ?? 0;
    for (const { level, index, width } of tilesBetween(from, to)) {
      const start = index * TILE_WIDTH;
      const hashes = (levels[level] ?? []).slice(start, start + width);
      files.set(tilePath(level, index, width), Buffer.concat(hashes));
    }
    for (const { index, width } of entriesBetween(from, to)) {
      const start = index * TILE_WIDTH;
      files.set(entriesPath(index, width), encodeEntries(payloads.slice(start, start + width)));
    }
  }
  const root = treeRoot(leaves);
  const note = Buffer.from(
    `eirel.network/fake\n${size}\n${Buffer.from(root).toString('base64')}\n\n— fake AAAAAAA=\n`,
  );
  files.set('checkpoint', note);
  return {
    payloads,
    files,
    root,
    checkpoint: () => ({ size, note }),
    file: async (path) => {
      const bytes = files.get(path);
      return bytes === undefined ? null : { size: bytes.length, read: async () => bytes };
    },
  };
}

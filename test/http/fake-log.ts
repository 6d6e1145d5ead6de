import type { PublishedLog } from '#src/http/published-log.ts';
import {
  encodeEntries,
  entriesBetween,
  entriesPath,
  TILE_WIDTH,
  tilePath,
  tilesBetween,
} from '#src/merkle/tile.ts';
import { createTree, type Hash, leafOf } from '#src/merkle/tree.ts';

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
  const levels = hashesByLevel(payloads.map(leafOf));
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
  const root = rootOf(payloads.map(leafOf));
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

/** The hashes of each level of tiles: of the leaves, and of each full tile below. */
function hashesByLevel(leaves: readonly Hash[]): readonly (readonly Hash[])[] {
  if (leaves.length < TILE_WIDTH) return [leaves];
  const full = Math.floor(leaves.length / TILE_WIDTH);
  const above = Array.from({ length: full }, (_, index) =>
    rootOf(leaves.slice(index * TILE_WIDTH, (index + 1) * TILE_WIDTH)),
  );
  return [leaves, ...hashesByLevel(above)];
}

function rootOf(hashes: readonly Hash[]): Hash {
  const tree = createTree();
  for (const hash of hashes) tree.append(hash);
  return tree.root();
}

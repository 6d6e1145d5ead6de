import { TILE_WIDTH, tilePath, tilesBetween } from '../merkle/tile.ts';
import { createTree, type Hash, type Tree } from '../merkle/tree.ts';
import type { LogFile } from './log-files.ts';

/** A log's tree and the tiles at its right edge, as it grows. */
export type TileBuilder = Readonly<{
  size: () => number;
  append: (leaf: Hash) => void;
  root: () => Hash;
  /** Every tile that the log writes to grow from `from`, where the tiles were taken last, to its size. */
  takeTiles: (from: number) => readonly LogFile[];
}>;

/**
 * Builds root and tiles the first way: one growing tree over all leaves, and for each level a growing tree over
 * the tile that is being filled, whose root is a hash of the level above.
 */
export function createTileBuilder(): TileBuilder {
  const whole = createTree();
  const levels: Level[] = [];
  const full = new Map<string, Uint8Array>();
  const append = (level: number, hash: Hash): void => {
    const tile = (levels[level] ??= { index: 0, hashes: [], tree: createTree() });
    tile.hashes.push(hash);
    tile.tree.append(hash);
    if (tile.hashes.length < TILE_WIDTH) return;
    full.set(tilePath(level, tile.index, TILE_WIDTH), Buffer.concat(tile.hashes));
    levels[level] = { index: tile.index + 1, hashes: [], tree: createTree() };
    append(level + 1, tile.tree.root());
  };
  return {
    size: whole.size,
    root: whole.root,
    append: (leaf) => {
      whole.append(leaf);
      append(0, leaf);
    },
    takeTiles: (from) => {
      const files = tilesBetween(from, whole.size()).map(({ level, index, width }) => {
        const path = tilePath(level, index, width);
        const bytes = full.get(path) ?? Buffer.concat(levels[level]?.hashes ?? []);
        return { path, bytes };
      });
      full.clear();
      return files;
    },
  };
}

type Level = Readonly<{ index: number; hashes: Hash[]; tree: Tree }>;

import { rootOf } from '#src/merkle/root.ts';
import { parseTilePath, TILE_WIDTH } from '#src/merkle/tile.ts';
import type { Hash } from '#src/merkle/tree.ts';
import type { LogFiles } from '#src/sequencer/log-files.ts';

/** The published hash tiles of a log with these leaves, made when they are asked for. */
export function tileFiles(leaves: () => readonly Hash[]): Pick<LogFiles, 'read'> {
  return {
    read: async (path) => {
      const ref = parseTilePath(path);
      const all = leaves();
      if (ref?.kind !== 'tile') return null;
      const span = TILE_WIDTH ** ref.level;
      const start = ref.index * TILE_WIDTH;
      if ((start + ref.width) * span > all.length) return null;
      const hashes = Array.from({ length: ref.width }, (_, at) =>
        rootOf(all.slice((start + at) * span, (start + at + 1) * span)),
      );
      return Buffer.concat(hashes);
    },
  };
}

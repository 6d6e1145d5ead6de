import { join } from 'node:path';
import { AppError } from '../../errors.ts';
import { type BundleDeps, buildBundle } from '../../handlers/build-bundle.ts';
import type { AppDeps } from '../../http/app.ts';
import { tilePath } from '../../merkle/tile.ts';
import type { ReadTile } from '../../merkle/tile-proof.ts';
import { PUBLISHED_FOLDER } from '../../runtime/log-files.ts';
import { directoryLog } from '../audit/directory-log.ts';

/** Bundles of this validator's reports, with proofs from the tiles that it publishes below `dataDir`. */
export function ownBundles(dataDir: string, deps: Omit<BundleDeps, 'readTile'>): AppDeps['bundle'] {
  const readTile = publishedTiles(join(dataDir, PUBLISHED_FOLDER));
  return (family, run) => buildBundle({ family, run }, { ...deps, readTile });
}

/** A partial tile gives way to the whole one when the log grows: either will do. */
function publishedTiles(folder: string): ReadTile {
  return async (level, index, width) => {
    const tile = await (await directoryLog(folder)).tile(level, index, width);
    if (tile !== null) return tile;
    throw new AppError('log.broken', { file: tilePath(level, index, width), found: 'nothing' });
  };
}

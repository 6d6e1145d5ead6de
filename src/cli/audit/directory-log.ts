import { join } from 'node:path';
import type { LogSource } from '../../audit/log-source.ts';
import { withWholeTiles } from '../../audit/whole-tiles.ts';
import { AppError } from '../../errors.ts';
import { entriesPath, TILE_WIDTH, tilePath } from '../../merkle/tile.ts';
import { publishedFiles } from '../../runtime/published-files.ts';

/** The largest bundle: 256 entries of 65,535 bytes and their lengths. Whatever is larger is no file of a log. */
const MAX_FILE_BYTES = TILE_WIDTH * 65_537;

const CHECKPOINT = 'checkpoint';

/**
 * The log in a folder that holds the files of a published log, or in the folder `log` within it. Throws
 * `file.unreadable` where neither has a checkpoint.
 */
export async function directoryLog(folder: string): Promise<LogSource> {
  for (const candidate of [folder, join(folder, 'log')]) {
    const read = reader(candidate);
    if ((await read(CHECKPOINT)) === null) continue;
    return withWholeTiles({
      name: candidate,
      checkpoint: () => read(CHECKPOINT),
      entries: (index, width) => read(entriesPath(index, width)),
      tile: (level, index, width) => read(tilePath(level, index, width)),
    });
  }
  throw new AppError('file.unreadable', {
    file: folder,
    expected: 'a folder with the files of a published log: checkpoint, tile/…',
  });
}

function reader(folder: string): (path: string) => Promise<Uint8Array | null> {
  const find = publishedFiles(folder);
  return async (path) => {
    const file = await find(path);
    // What is too large is not what is looked for: the audit says that it is missing.
    return file === null || file.size > MAX_FILE_BYTES ? null : file.read();
  };
}

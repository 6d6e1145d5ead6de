import * as fs from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LogSource } from '../../audit/log-source.ts';
import { withWholeTiles } from '../../audit/whole-tiles.ts';
import { AppError, isSystemError } from '../../errors.ts';
import { entriesPath, TILE_WIDTH, tilePath } from '../../merkle/tile.ts';

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
  return async (path) => {
    const file = openFile(join(folder, path));
    if (file === null) return null;
    try {
      const stats = fs.fstatSync(file);
      // What is too large is not what is looked for: the audit says that it is missing.
      if (!stats.isFile() || stats.size > MAX_FILE_BYTES) return null;
      const bytes = Buffer.allocUnsafeSlow(stats.size);
      const { bytesRead } = await read(file, bytes, 0, stats.size, 0);
      return bytes.subarray(0, bytesRead);
    } finally {
      fs.closeSync(file);
    }
  };
}

/**
 * Opens a file; null where there is none. At once, as it is closed: a promise for each of these steps takes a tenth of
 * the whole audit. What may have to wait for the disk is read while others are.
 */
function openFile(path: string): number | null {
  try {
    return fs.openSync(path, 'r');
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return null;
    throw error;
  }
}

const read = promisify(fs.read);

import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isSystemError } from '../errors.ts';
import type { PublishedLog } from '../http/published-log.ts';

/**
 * Looks files of a published log up for whoever serves it. `path` is one that `tilePath` or `entriesPath`
 * gave: nothing that a client wrote. Null where there is no such file; throws what the disk throws.
 */
export function publishedFiles(folder: string): PublishedLog['file'] {
  return async (path) => {
    const name = join(folder, path);
    const found = await unlessMissing(stat(name));
    if (found === null || !found.isFile()) return null;
    return { size: found.size, read: () => unlessMissing(readFile(name)) };
  };
}

async function unlessMissing<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return null;
    throw error;
  }
}

import { mkdir, open, readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises';
import { isSystemError } from '../errors.ts';

/**
 * What is needed of a disk to keep files through a power cut. Nothing but what is said to be durable is: a new
 * name, or a name's removal, only after its folder was synced.
 */
export type Disk = Readonly<{
  /** Null where there is no such file. */
  read: (path: string) => Promise<Uint8Array | null>;
  /** The bytes of a file; null where there is no such file. */
  size: (path: string) => Promise<number | null>;
  /** Writes a new file, or another content into one, and syncs the content. */
  write: (path: string, bytes: Uint8Array) => Promise<void>;
  /** Gives a file another name, in the place of what had it: at once, or not at all. */
  rename: (from: string, to: string) => Promise<void>;
  /** Fine where there is no such file. */
  remove: (path: string) => Promise<void>;
  /** Makes a folder in an existing one; fine where it exists. */
  makeFolder: (path: string) => Promise<void>;
  /** Removes an empty folder; fine where there is none. */
  removeFolder: (path: string) => Promise<void>;
  /** The names in a folder; none where there is no such folder. */
  list: (path: string) => Promise<readonly string[]>;
  /** Makes the names in a folder durable. */
  syncFolder: (path: string) => Promise<void>;
}>;

/** The disk of this machine. */
export const nodeDisk: Disk = {
  read: (path) => unless('ENOENT', null, readFile(path)),
  size: async (path) => (await unless('ENOENT', null, stat(path)))?.size ?? null,
  write: async (path, bytes) => {
    await using handle = await open(path, 'w');
    await handle.writeFile(bytes);
    await handle.sync();
  },
  rename,
  remove: (path) => rm(path, { force: true }),
  makeFolder: (path) => unless('EEXIST', undefined, mkdir(path)),
  removeFolder: (path) => unless('ENOENT', undefined, rmdir(path)),
  list: (path) => unless('ENOENT', [], readdir(path)),
  syncFolder: async (path) => {
    await using handle = await open(path, 'r');
    await handle.sync();
  },
};

/** What came of the work, or `otherwise` where the system answers with that code. */
async function unless<T, U>(code: string, otherwise: U, work: Promise<T>): Promise<T | U> {
  try {
    return await work;
  } catch (error) {
    if (isSystemError(error, code)) return otherwise;
    throw error;
  }
}

import { access, constants, stat, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { isSystemError } from '../../errors.ts';
import { SECRET_FILES } from '../../runtime/secret-files.ts';
import { SIGNING_FILE } from '../../runtime/signing-db.ts';

/** Room where the data is, or will be. Throws what the system says when it can't be written. */
export async function lookAtDisk(path: string): Promise<{ path: string; freeBytes: number }> {
  const folder = await writable(path);
  const { bavail, bsize } = await statfs(folder);
  return { path, freeBytes: bavail * bsize };
}

/** What is in the signing directory: names with permissions, 9 bits. */
export type SigningDirectory = Readonly<{
  path: string;
  /** Null where the directory is still to be made. */
  mode: number | null;
  database: number | null;
  keys: readonly Readonly<{ name: string; mode: number | null }>[];
  /** The data is on the same file system; null when that can't be told. */
  besideData: boolean | null;
}>;

/** Looks at the signing directory without opening the database. Throws what the system says when it can't be written. */
export async function lookAtSigning(path: string, dataPath: string): Promise<SigningDirectory> {
  const folder = await writable(path);
  const modeOf = async (name: string) => (await entryOf(join(path, name)))?.mode ?? null;
  return {
    path,
    mode: folder === resolve(path) ? ((await entryOf(path))?.mode ?? null) : null,
    database: await modeOf(SIGNING_FILE),
    keys: await Promise.all(SECRET_FILES.map(async (name) => ({ name, mode: await modeOf(name) }))),
    besideData: await onOneFileSystem(folder, dataPath),
  };
}

/** The folder itself, or the one that it will be made in. */
async function writable(path: string): Promise<string> {
  const folder = await existing(resolve(path));
  await access(folder, constants.W_OK);
  return folder;
}

async function existing(path: string): Promise<string> {
  if ((await entryOf(path)) !== null || dirname(path) === path) return path;
  return existing(dirname(path));
}

/** Null where there is nothing of that name. */
async function entryOf(path: string): Promise<{ mode: number; device: number } | null> {
  try {
    const { mode, dev } = await stat(path);
    return { mode: mode & 0o777, device: dev };
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return null;
    throw error;
  }
}

/** A data directory that can't be looked at is a finding of its own. */
async function onOneFileSystem(folder: string, dataPath: string): Promise<boolean | null> {
  try {
    const data = await entryOf(await existing(resolve(dataPath)));
    const signing = await entryOf(folder);
    return data === null || signing === null ? null : data.device === signing.device;
  } catch {
    return null;
  }
}

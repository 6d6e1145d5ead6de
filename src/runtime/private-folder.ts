import { link, mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { isSystemError } from '../errors.ts';

/** Makes a folder that only its owner can enter, and those above it, durably. One that exists is left as it is. */
export async function makePrivateFolder(path: string): Promise<void> {
  const folder = resolve(path);
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  // Each new folder is an entry of the one above it, which is what has to be on disk.
  for (let made = folder; ; made = dirname(made)) {
    await sync(dirname(made));
    if (made === first) return;
  }
}

/**
 * Makes a file that only its owner can read, whole and durable, or not at all: `fill` writes the empty file
 * that it is given, in a folder of its own. Gives false, and changes nothing, where there is one of that name.
 */
export async function makePrivateFile(
  path: string,
  fill: (draft: string) => Promise<void>,
): Promise<boolean> {
  // Of a process that was killed here a folder is left behind, which nobody looks into again.
  const folder = await mkdtemp(`${path}.new-`);
  const draft = join(folder, 'draft');
  try {
    await (await open(draft, 'wx', 0o600)).close();
    await fill(draft);
    await sync(draft);
    // Unlike a renaming, a link never replaces what another process put there in between.
    const made = await unlessThere(() => link(draft, path));
    if (made) await sync(dirname(path));
    return made;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A file's bytes, or a folder's entries: until those are on disk, too, a new file can be gone after a power cut. */
async function sync(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  await handle.sync();
}

async function unlessThere(act: () => Promise<void>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    if (isSystemError(error, 'EEXIST')) return false;
    throw error;
  }
}

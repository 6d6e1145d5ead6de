import { dirname, join } from 'node:path';
import { AppError } from '../errors.ts';
import { CHECKPOINT_PATH, type LogFile, type LogFiles } from '../sequencer/log-files.ts';
import { type Disk, nodeDisk } from './disk.ts';
import { durableFolders } from './durable-folders.ts';

/** Below the data directory: what is served, under its served paths and nothing else, and what is staged. */
export const PUBLISHED_FOLDER = 'log';
const STAGING_FOLDER = 'log-staging';

/**
 * The published files of a log in a data directory, which exists. A file is written beside them, synced, renamed
 * and its folder synced, so that a name never stands for less than the whole content. A file or folder that an
 * earlier process left behind may be on no disk yet: it is synced as if it were new.
 */
export function logFiles(dir: string, disk: Disk = nodeDisk): LogFiles {
  const published = (path: string): string => join(dir, PUBLISHED_FOLDER, path);
  const staging = (name: string): string => join(dir, STAGING_FOLDER, name);
  const settle = durableFolders(dir, disk);
  let drafts = 0;
  const put = async (target: string, bytes: Uint8Array): Promise<void> => {
    drafts++;
    const draft = staging(`${DRAFT}${drafts}`);
    await settle(dirname(draft));
    await disk.write(draft, bytes);
    await settle(dirname(target));
    await disk.rename(draft, target);
  };
  const putAll = async (files: readonly LogFile[], keep: boolean): Promise<void> => {
    const touched = new Set<string>();
    for (const { path, bytes } of files) {
      const target = published(path);
      const found = keep ? await disk.read(target) : null;
      if (found === null) await put(target, bytes);
      else {
        requireSame(path, found, bytes);
        await settle(dirname(target));
      }
      touched.add(dirname(target));
    }
    for (const folder of touched) await disk.syncFolder(folder);
  };
  return {
    read: (path) => disk.read(published(path)),
    isEmpty: async () => (await disk.list(published('.'))).length === 0,
    publish: (files) => putAll(files, true),
    mend: (files) => putAll(files, false),
    publishCheckpoint: async (note) => {
      await put(published(CHECKPOINT_PATH), note);
      await disk.syncFolder(published('.'));
    },
    syncCheckpoint: () => disk.syncFolder(published('.')),
    discardPartials: async (paths) => {
      for (const path of paths) await removeWhole(published(`${path}.p`), disk);
    },
    stage: async (name, bytes) => {
      await put(staging(name), bytes);
      await disk.syncFolder(staging('.'));
    },
    readStaged: (name) => disk.read(staging(name)),
    staged: async () => (await disk.list(staging('.'))).filter((name) => !name.startsWith(DRAFT)),
    unstage: (name) => disk.remove(staging(name)),
  };
}

/** What is being written lies in the staging folder under such names: of a process that was killed it is written over. */
const DRAFT = 'new-';

/** Once it has held a full tile, a place never gets a partial one again: its folder is not made a second time. */
async function removeWhole(folder: string, disk: Disk): Promise<void> {
  for (const name of await disk.list(folder)) await disk.remove(join(folder, name));
  await disk.removeFolder(folder);
}

function requireSame(path: string, found: Uint8Array, bytes: Uint8Array): void {
  if (Buffer.compare(found, bytes) === 0) return;
  throw new AppError('log.forked', {
    path,
    found: 'other bytes than are to be published',
    expected: 'tiles and bundles that never change',
    next: 'stop the validator and run `eirel log repair`: it puts back what was signed',
  });
}

import { statfs } from 'node:fs/promises';
import type { Space } from '../sequencer/space.ts';

/** What is free, for a process without privileges, on the disk of these folders that has the smallest share left. */
export async function freeSpace(folders: readonly string[]): Promise<Space> {
  const spaces = await Promise.all(folders.map(spaceOf));
  return spaces.reduce((least, space) => (shareOf(space) < shareOf(least) ? space : least));
}

async function spaceOf(folder: string): Promise<Space> {
  const { bsize, bavail, blocks } = await statfs(folder);
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}

function shareOf({ freeBytes, totalBytes }: Space): number {
  return freeBytes / Math.max(1, totalBytes);
}

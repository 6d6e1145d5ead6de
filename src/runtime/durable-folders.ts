import { dirname, join } from 'node:path';
import type { Disk } from './disk.ts';

/**
 * Makes folders below `dir`, which exists, where they are missing: each durably before anything is put into it. One
 * that an earlier process left behind may be on no disk yet, so it is synced as if it were new.
 */
export function durableFolders(dir: string, disk: Disk): (folder: string) => Promise<void> {
  const settled = new Set([join(dir, '.')]);
  const settle = async (folder: string): Promise<void> => {
    if (settled.has(folder)) return;
    const parent = dirname(folder);
    await settle(parent);
    await disk.makeFolder(folder);
    await disk.syncFolder(parent);
    settled.add(folder);
  };
  return settle;
}

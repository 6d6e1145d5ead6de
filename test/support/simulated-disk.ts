import { dirname } from 'node:path';
import type { Disk } from '#src/runtime/disk.ts';

/**
 * A disk in memory that keeps what is durable apart from what only looks so. `powerCut` leaves of every name that
 * was made, moved or removed since its folder was synced either the new state or the old one, as `coin` has it, each
 * by itself; `tear` leaves a beginning of what is being written.
 */
export type SimulatedDisk = Disk &
  Readonly<{
    powerCut: (coin: () => boolean) => void;
    /** Changes the bytes under a name, as a bad disk would. */
    damage: (path: string, change: (bytes: Uint8Array) => Uint8Array) => void;
    paths: () => readonly string[];
    /** All that is on it, to go back to later. */
    snapshot: () => DiskSnapshot;
    restore: (snapshot: DiskSnapshot) => void;
  }>;

/** A folder, or a file's content. */
type Entry = 'folder' | Uint8Array;
export type DiskSnapshot = ReadonlyMap<string, Entry>;

/** A disk that holds one empty folder. */
export function simulatedDisk(root: string): SimulatedDisk {
  let names = new Map<string, Entry>([[root, 'folder']]);
  let durable = new Map<string, Entry>(names);
  const inFolder = (path: string): readonly string[] =>
    [...names.keys()].filter((name) => name !== path && dirname(name) === path);
  const requireFolder = (path: string): void => {
    if (names.get(path) !== 'folder') throw new Error(`ENOENT: no folder ${path}`);
  };
  return {
    read: async (path) => {
      const entry = names.get(path);
      return entry === undefined || entry === 'folder' ? null : entry;
    },
    size: async (path) => {
      const entry = names.get(path);
      return entry === undefined || entry === 'folder' ? null : entry.length;
    },
    write: async (path, bytes) => {
      requireFolder(dirname(path));
      const isNew = !names.has(path);
      names.set(path, Uint8Array.from(bytes));
      // A synced content replaces the one before it also under a name that was durable already.
      if (!isNew && durable.has(path)) durable.set(path, Uint8Array.from(bytes));
    },
    rename: async (from, to) => {
      const entry = names.get(from);
      if (entry === undefined) throw new Error(`ENOENT: ${from}`);
      requireFolder(dirname(to));
      names.delete(from);
      names.set(to, entry);
    },
    remove: async (path) => {
      names.delete(path);
    },
    makeFolder: async (path) => {
      requireFolder(dirname(path));
      if (!names.has(path)) names.set(path, 'folder');
    },
    removeFolder: async (path) => {
      if (inFolder(path).length > 0) throw new Error(`ENOTEMPTY: ${path}`);
      names.delete(path);
    },
    list: async (path) => inFolder(path).map((name) => name.slice(path.length + 1)),
    syncFolder: async (path) => {
      requireFolder(path);
      for (const name of durable.keys()) {
        if (dirname(name) === path && name !== path && !names.has(name)) durable.delete(name);
      }
      for (const name of inFolder(path)) durable.set(name, names.get(name) ?? 'folder');
    },
    powerCut: (coin) => {
      const kept = new Map<string, Entry>();
      for (const path of new Set([...durable.keys(), ...names.keys()])) {
        const [before, after] = [durable.get(path), names.get(path)];
        const entry = before === after || coin() ? after : before;
        if (entry !== undefined) kept.set(path, entry);
      }
      names = reachable(kept, root);
      durable = new Map(names);
    },
    damage: (path, change) => {
      const entry = names.get(path);
      if (entry === undefined || entry === 'folder') throw new Error(`no file ${path}`);
      names.set(path, change(entry));
      durable.set(path, change(entry));
    },
    paths: () => [...names.keys()].toSorted(),
    snapshot: () => new Map(names),
    restore: (snapshot) => {
      names = new Map(snapshot);
      durable = new Map(snapshot);
    },
  };
}

/** What lies in a folder that is gone is gone as well. */
function reachable(entries: ReadonlyMap<string, Entry>, root: string): Map<string, Entry> {
  const isThere = (path: string): boolean =>
    path === root || (entries.get(path) === 'folder' && isThere(dirname(path)));
  return new Map([...entries].filter(([path]) => path === root || isThere(dirname(path))));
}

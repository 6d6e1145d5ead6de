import { type ArchiveFault, archiveFault, quoted } from './archive-fault.ts';
import {
  type ArchiveEntry,
  type Listing,
  listingRules,
  MANIFEST_PATH,
  normalPath,
} from './archive-listing.ts';
import type { TarHeader } from './tar-header.ts';
import { MAX_OVERRIDE_BYTES, type Override, readLongName, readPaxHeader } from './tar-overrides.ts';

/** What follows a header: so many bytes, and what is made of them where they count. */
export type Content = Readonly<{
  bytes: number;
  /** Takes the whole content; null where nobody looks at it. */
  done: ((content: Uint8Array) => ArchiveFault | null) | null;
}>;

/** An archive whose every header was looked at: what it holds, and the bytes of its manifest. */
export type ReadTar = Listing & Readonly<{ kind: 'read'; manifest: Uint8Array }>;

/** Takes the headers of an archive in their order. */
export type TarEntries = Readonly<{
  take: (header: TarHeader) => Content | ArchiveFault;
  end: () => ReadTar | ArchiveFault;
}>;

/**
 * What the headers of an archive come to: entries under the names that extended headers give them, by `listingRules`.
 * Only plain files and folders are taken, and only such extended headers that all readers understand alike.
 */
export function tarEntries(): TarEntries {
  const rules = listingRules();
  const overrides = pendingOverrides();
  let manifest: Uint8Array = new Uint8Array();
  const takeEntry = (entry: ArchiveEntry): Content | ArchiveFault => {
    const fault = rules.add(entry);
    if (fault !== null) return fault;
    const { kind, path, bytes } = entry;
    if (kind !== 'file' || normalPath(path, kind) !== MANIFEST_PATH) return { bytes, done: null };
    const done = (content: Uint8Array): null => {
      manifest = content;
      return null;
    };
    return { bytes, done };
  };
  return {
    take: ({ type, bytes, path: own }) => {
      if (type === 'x' || type === 'g' || type === 'L') return overrides.read(type, bytes);
      const path = overrides.take() ?? own;
      if (type === '0') return takeEntry({ kind: 'file', path, bytes });
      if (type !== '5') return typeFault(type, path);
      return bytes === 0
        ? takeEntry({ kind: 'directory', path, bytes })
        : archiveFault('header-malformed', `a folder of ${bytes} bytes`);
    },
    end: () => {
      if (overrides.waiting()) return archiveFault('override', 'of an entry that is not there');
      const listing = rules.end();
      return 'kind' in listing ? listing : { kind: 'read', ...listing, manifest };
    },
  };
}

/** Extended headers, each of which is about the one entry after it, or once about the whole archive. */
function pendingOverrides() {
  let pending: Override | null = null;
  let globals = 0;
  const hold = (read: Override | ArchiveFault): ArchiveFault | null => {
    if (read.kind === 'fault') return read;
    pending = read;
    return null;
  };
  const ofArchive = (content: Uint8Array): ArchiveFault | null => {
    const read = readPaxHeader(content, 'archive');
    return read.kind === 'fault' ? read : null;
  };
  const ofEntry = {
    x: (content: Uint8Array) => hold(readPaxHeader(content, 'entry')),
    L: (content: Uint8Array) => hold(readLongName(content)),
  };
  return {
    read: (type: 'x' | 'g' | 'L', bytes: number): Content | ArchiveFault => {
      if (bytes === 0 || bytes > MAX_OVERRIDE_BYTES)
        return archiveFault('override', `an extended header of ${bytes} bytes`);
      if (pending !== null) return archiveFault('override', 'two extended headers of one entry');
      if (type !== 'g') return { bytes, done: ofEntry[type] };
      globals += 1;
      return globals > 1
        ? archiveFault('override', 'two extended headers of the whole archive')
        : { bytes, done: ofArchive };
    },
    /** The name of the entry that has its turn now; null where none was given. */
    take: (): string | null => {
      const path = pending?.path ?? null;
      pending = null;
      return path;
    },
    waiting: (): boolean => pending !== null,
  };
}

function typeFault(type: string, path: string): ArchiveFault {
  if (type === '1' || type === '2' || type === 'K') return archiveFault('link', quoted(path));
  if (type === 'S') return archiveFault('sparse', quoted(path));
  return archiveFault('entry-type', `${quoted(path)} of type ${quoted(type)}`);
}

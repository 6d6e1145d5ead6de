import { type ArchiveFault, archiveFault, quoted } from './archive-fault.ts';

/** What of a submission is unpacked: every byte of it lies in a volume of that size. */
export const MAX_UNPACKED_BYTES = 256 * 1_024 * 1_024;

/** Files and folders, those that are only named as part of a path included: each costs memory while they are compared. */
export const MAX_ENTRIES = 5_000;

/** The longest name on the file systems that there are, in bytes, and a path that leaves room for where it is unpacked. */
const MAX_COMPONENT_BYTES = 255;
export const MAX_PATH_BYTES = 512;

/** The file at the root that says what the submission is, and the most that it may have. */
export const MANIFEST_PATH = 'submission.yaml';
export const MAX_MANIFEST_BYTES = 4_096;

export type ArchiveEntry = Readonly<{ kind: 'file' | 'directory'; path: string; bytes: number }>;

/** What an archive holds, all rules held. */
export type Listing = Readonly<{ entries: number; unpacked: number }>;

/** Takes the entries of an archive in their order, and gives the first thing that is wrong with them. */
export type ListingRules = Readonly<{
  /** Null while all is well. */
  add: (entry: ArchiveEntry) => ArchiveFault | null;
  /** What the whole holds. */
  end: () => Listing | ArchiveFault;
}>;

/**
 * The rules of an archive that may be unpacked anywhere: plain files and folders, each under one name that every file
 * system takes for the same one, within the limits. Paths are a miner's.
 */
export function listingRules(): ListingRules {
  const places = new Map<string, Place>();
  let entries = 0;
  let unpacked = 0;
  let hasManifest = false;
  return {
    add: ({ kind, path, bytes }) => {
      const normal = normalPath(path, kind);
      if (typeof normal !== 'string') return normal;
      entries += 1;
      unpacked += bytes;
      if (entries > MAX_ENTRIES) return tooMany();
      if (unpacked > MAX_UNPACKED_BYTES)
        return archiveFault('unpacked-too-large', `more than ${MAX_UNPACKED_BYTES} bytes`);
      // The root itself, as `tar -C dir .` has it.
      if (normal === '') return null;
      if (normal === MANIFEST_PATH && kind === 'file') {
        hasManifest = true;
        if (bytes > MAX_MANIFEST_BYTES)
          return archiveFault(
            'manifest-too-large',
            `${bytes} bytes, at most ${MAX_MANIFEST_BYTES}`,
          );
      }
      return placeFault(normal, kind, places) ?? (places.size > MAX_ENTRIES ? tooMany() : null);
    },
    end: () =>
      hasManifest
        ? { entries, unpacked }
        : archiveFault('manifest-missing', `no ${MANIFEST_PATH} at the root`),
  };
}

/**
 * A path without the leading `./` and the trailing `/` of a folder; '' for the root, and a fault for whatever leads
 * elsewhere or is not the one way to write it.
 */
export function normalPath(path: string, kind: ArchiveEntry['kind']): string | ArchiveFault {
  if (Buffer.byteLength(path, 'utf8') > MAX_PATH_BYTES)
    return archiveFault('path-too-long', `${quoted(path)}: more than ${MAX_PATH_BYTES} bytes`);
  // Controls, and what is not seen: two names that look alike are not told apart by people.
  if (/[\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(path))
    return archiveFault('path-character', quoted(path));
  if (path.startsWith('/')) return archiveFault('path-absolute', quoted(path));
  if (kind === 'directory' && (path === '.' || path === './')) return '';
  const relative = path.startsWith('./') ? path.slice(2) : path;
  const trimmed = kind === 'directory' && relative.endsWith('/') ? relative.slice(0, -1) : relative;
  for (const component of trimmed.split('/')) {
    if (component === '..') return archiveFault('path-parent', quoted(path));
    if (component === '' || component === '.') return archiveFault('path-component', quoted(path));
    if (Buffer.byteLength(component, 'utf8') > MAX_COMPONENT_BYTES)
      return archiveFault('path-too-long', `${quoted(path)}: a name of too many bytes`);
  }
  return trimmed;
}

/** What stands under a name: `implied` is a folder that only a longer path named so far. */
type Place = Readonly<{ path: string; kind: ArchiveEntry['kind'] | 'implied' }>;

function placeFault(
  path: string,
  kind: ArchiveEntry['kind'],
  places: Map<string, Place>,
): ArchiveFault | null {
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
    const folder = path.slice(0, at);
    const key = folded(folder);
    const known = places.get(key);
    if (known === undefined) places.set(key, { path: folder, kind: 'implied' });
    else if (known.path !== folder || known.kind === 'file') return collision(path, known);
  }
  const key = folded(path);
  const known = places.get(key);
  if (known !== undefined) {
    if (known.path !== path) return collision(path, known);
    if (known.kind === kind) return archiveFault('duplicate', quoted(path));
    if (known.kind !== 'implied' || kind !== 'directory') return collision(path, known);
  }
  places.set(key, { path, kind });
  return null;
}

/** One text for all names that a file system somewhere takes for the same: by case, and by how a character is composed. */
function folded(path: string): string {
  return path.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC');
}

function collision(path: string, known: Place): ArchiveFault {
  return archiveFault('collision', `${quoted(path)} beside ${quoted(known.path)}`);
}

function tooMany(): ArchiveFault {
  return archiveFault('too-many-entries', `more than ${MAX_ENTRIES}`);
}

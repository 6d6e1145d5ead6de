import { type ArchiveFault, archiveFault, quoted } from './archive-fault.ts';
import { MAX_PATH_BYTES } from './archive-listing.ts';
import { utf8 } from './tar-header.ts';

/** Extended headers hold a path and some figures; what a Mac adds about a file is more, and of no use here. */
export const MAX_OVERRIDE_BYTES = 16_384;

/** What an extended header says of the entry after it: its path, or nothing that counts. */
export type Override = Readonly<{ kind: 'override'; path: string | null }>;

/** The name in a GNU long name header: the text up to its NUL. */
export function readLongName(content: Uint8Array): Override | ArchiveFault {
  const end = content.indexOf(0);
  const path = utf8(end === -1 ? content : content.subarray(0, end));
  if (path === null) return archiveFault('path-encoding', 'a long name that is no UTF-8');
  if (end !== -1 && content.subarray(end).some((byte) => byte !== 0))
    return archiveFault('override', 'a long name with bytes after its end');
  return nameOf(path);
}

/**
 * The records of a PAX extended header (POSIX.1-2001): `<length> <key>=<value>\n`, lengths in bytes. Of what they can
 * change a path is taken, and only for one entry; whatever changes a size, a kind or a character set is a fault.
 */
export function readPaxHeader(
  content: Uint8Array,
  scope: 'entry' | 'archive',
): Override | ArchiveFault {
  const keys = new Set<string>();
  let path: string | null = null;
  for (let at = 0; at < content.length; ) {
    const record = readRecord(content, at);
    if (record === null) return archiveFault('override', 'an extended header of another form');
    const { key, value } = record;
    if (keys.has(key)) return archiveFault('override', `${quoted(key)} twice`);
    keys.add(key);
    if (key.startsWith('GNU.sparse.')) return archiveFault('sparse', quoted(key));
    if (key === 'path' && scope === 'entry') {
      path = utf8(value);
      if (path === null) return archiveFault('path-encoding', 'a path that is no UTF-8');
    } else if (!HARMLESS.some((harmless) => matches(key, harmless))) {
      return archiveFault('override', `an extended header with ${quoted(key)}`);
    }
    at = record.end;
  }
  return path === null ? { kind: 'override', path } : nameOf(path);
}

/** Who owned a file, when, and remarks; a trailing dot stands for all keys that begin so. */
const HARMLESS = [
  'atime',
  'comment',
  'ctime',
  'gid',
  'gname',
  'mtime',
  'uid',
  'uname',
  'LIBARCHIVE.creationtime',
  'LIBARCHIVE.xattr.',
  'SCHILY.dev',
  'SCHILY.fflags',
  'SCHILY.ino',
  'SCHILY.nlink',
  'SCHILY.xattr.',
] as const;

function matches(key: string, harmless: string): boolean {
  return harmless.endsWith('.') ? key.startsWith(harmless) : key === harmless;
}

/** An empty path takes the name away, which readers do in different ways. */
function nameOf(path: string): Override | ArchiveFault {
  if (path === '') return archiveFault('override', 'an empty name');
  return Buffer.byteLength(path, 'utf8') > MAX_PATH_BYTES
    ? archiveFault('path-too-long', `${quoted(path)}: more than ${MAX_PATH_BYTES} bytes`)
    : { kind: 'override', path };
}

function readRecord(
  content: Uint8Array,
  at: number,
): { key: string; value: Uint8Array; end: number } | null {
  const space = content.indexOf(SPACE, at);
  const digits = space === -1 ? '' : Buffer.from(content.subarray(at, space)).toString('latin1');
  if (!/^[1-9][0-9]{0,5}$/.test(digits)) return null;
  const end = at + Number(digits);
  const equals = content.indexOf(EQUALS, space);
  if (end > content.length || content[end - 1] !== NEWLINE) return null;
  if (equals === -1 || equals >= end) return null;
  const key = utf8(content.subarray(space + 1, equals));
  return key === null || key === ''
    ? null
    : { key, value: content.subarray(equals + 1, end - 1), end };
}

const SPACE = 0x20;
const EQUALS = 0x3d;
const NEWLINE = 0x0a;

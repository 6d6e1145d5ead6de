import { textOf } from '../events/ej1.ts';
import { type ArchiveFault, archiveFault } from './archive-fault.ts';

export const BLOCK_BYTES = 512;

/** What one header says, as far as anybody unpacks by it. */
export type TarHeader = Readonly<{
  kind: 'header';
  /** The type flag; '0' also for the NUL of old archives. */
  type: string;
  path: string;
  bytes: number;
}>;

/**
 * Reads one header block (POSIX.1-1988 ustar, or GNU with nothing in its own fields). Every form in which two readers
 * could see different things is a fault: figures that are not octal, bytes after the end of a name, a GNU header with a
 * prefix. The block is a miner's.
 */
export function readTarHeader(block: Uint8Array): TarHeader | ArchiveFault {
  const sum = octal(field(block, CHECKSUM));
  if (sum === null || sum !== checksumOf(block))
    return archiveFault('header-checksum', 'a header whose checksum is another');
  const magic = Buffer.from(field(block, MAGIC)).toString('latin1');
  if (magic !== POSIX && magic !== GNU)
    return archiveFault('header-malformed', 'a header that is neither ustar nor GNU');
  const size = field(block, SIZE);
  const bytes = octal(size);
  if (bytes === null)
    return archiveFault('header-malformed', 'a size that is no octal figure of at most 11 digits');
  const name = textIn(field(block, NAME));
  const prefix = textIn(field(block, PREFIX));
  if (name === null || prefix === null)
    return archiveFault('path-encoding', 'a name that is no UTF-8, or has bytes after its end');
  if (magic === GNU && field(block, PREFIX).some((byte) => byte !== 0))
    return archiveFault('header-malformed', 'a GNU header with something in the place of a prefix');
  const flag = block[TYPE] ?? 0;
  return {
    kind: 'header',
    type: flag === 0 ? '0' : String.fromCharCode(flag),
    path: prefix === '' ? name : `${prefix}/${name}`,
    bytes,
  };
}

const NAME = [0, 100] as const;
const SIZE = [124, 136] as const;
const CHECKSUM = [148, 156] as const;
const TYPE = 156;
const MAGIC = [257, 265] as const;
const PREFIX = [345, 500] as const;
const POSIX = 'ustar\0' + '00';
const GNU = 'ustar  \0';

function field(block: Uint8Array, [from, to]: readonly [number, number]): Uint8Array {
  return block.subarray(from, to);
}

/** The sum of all bytes, those of the checksum itself taken as spaces. */
function checksumOf(block: Uint8Array): number {
  const [from, to] = CHECKSUM;
  let sum = (to - from) * 32;
  for (const [at, byte] of block.entries()) if (at < from || at >= to) sum += byte;
  return sum;
}

/** A figure in octal digits that NULs or spaces end; null for anything else, base 256 and signs among it. */
function octal(bytes: Uint8Array): number | null {
  const digits = /^ {0,11}([0-7]{1,11})[\0 ]*$/.exec(Buffer.from(bytes).toString('latin1'))?.[1];
  return digits === undefined ? null : Number.parseInt(digits, 8);
}

/** The text before the first NUL; null where it is no UTF-8, or where something follows. */
function textIn(bytes: Uint8Array): string | null {
  const end = bytes.indexOf(0);
  const text = end === -1 ? bytes : bytes.subarray(0, end);
  if (end !== -1 && bytes.subarray(end).some((byte) => byte !== 0)) return null;
  return utf8(text);
}

/** The text of bytes, or null where they are no UTF-8. */
export function utf8(bytes: Uint8Array): string | null {
  try {
    return textOf(bytes);
  } catch {
    // `ej1.malformed` says no more than that.
    return null;
  }
}

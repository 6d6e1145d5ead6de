import { type ArchiveFault, archiveFault } from './archive-fault.ts';

/**
 * Where the compressed data of a gzip member begins (RFC 1952 section 2.3): behind ten bytes, and what its flags
 * announce. A fault for what is no gzip, or ends before.
 */
export function gzipBodyStart(bytes: Uint8Array): number | ArchiveFault {
  const [first, second, method, flags = 0] = bytes;
  if (first !== 0x1f || second !== 0x8b || method !== DEFLATE || (flags & RESERVED) !== 0)
    return archiveFault('not-gzip', 'bytes that do not begin as gzip does');
  let at = FIXED_BYTES;
  if ((flags & EXTRA) !== 0) at += 2 + (bytes[at] ?? 0) + 256 * (bytes[at + 1] ?? 0);
  for (const text of [NAME, COMMENT]) if ((flags & text) !== 0) at = afterNul(bytes, at);
  if ((flags & HEADER_CRC) !== 0) at += 2;
  return at < bytes.length ? at : archiveFault('gzip-truncated', 'a header without its end');
}

const FIXED_BYTES = 10;
const DEFLATE = 8;
const HEADER_CRC = 2;
const EXTRA = 4;
const NAME = 8;
const COMMENT = 16;
const RESERVED = 0xe0;

function afterNul(bytes: Uint8Array, from: number): number {
  const nul = from < bytes.length ? bytes.indexOf(0, from) : -1;
  return nul === -1 ? bytes.length : nul + 1;
}

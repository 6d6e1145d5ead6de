import { crc32, createInflateRaw } from 'node:zlib';
import { isSystemError } from '../errors.ts';
import { type ArchiveFault, archiveFault } from '../evaluation/archive-fault.ts';
import { MAX_UNPACKED_BYTES } from '../evaluation/archive-listing.ts';
import { gzipBodyStart } from '../evaluation/gzip-header.ts';
import { MAX_ARCHIVE_BYTES } from '../evaluation/roster.ts';
import type { ReadTar } from '../evaluation/tar-entries.ts';
import { createTarReader } from '../evaluation/tar-reader.ts';

/** Source code is compressed to a third or a tenth. A few small files in padded records are more, so the rule begins later. */
const MAX_RATIO = 100;
const RATIO_FREE_BYTES = 1_024 * 1_024;

/** Room for the headers of all entries beside their content. */
const MAX_STREAM_BYTES = MAX_UNPACKED_BYTES + 16 * 1_024 * 1_024;

/** The end of a gzip member (RFC 1952): CRC-32 and length of what was compressed. */
const TRAILER_BYTES = 8;

/** As much as is unpacked at a time: memory is bounded by a few of these. */
const CHUNK_BYTES = 64 * 1_024;

/**
 * Lists a submission's archive (one gzip member that holds a tar archive) without unpacking it anywhere, and gives what is in
 * it, or the first thing for which it is refused. The bytes are a miner's: whatever they are, no more than a few hundred
 * kilobytes of what is in them are held at a time (what was looked at waits for the collector), and it takes the time to
 * inflate what the limits let through. Never throws for what they hold.
 */
export async function readArchive(bytes: Uint8Array): Promise<ReadTar | ArchiveFault> {
  if (bytes.length > MAX_ARCHIVE_BYTES)
    return archiveFault('archive-too-large', `${bytes.length} bytes, at most ${MAX_ARCHIVE_BYTES}`);
  const start = gzipBodyStart(bytes);
  if (typeof start !== 'number') return start;
  const reader = createTarReader();
  const inflated = await inflate(bytes.subarray(start), bytes.length, reader.feed);
  if (inflated.kind === 'fault') return inflated;
  const trailer = bytes.subarray(start + inflated.consumed);
  const fault = trailerFault(trailer, inflated);
  return fault ?? reader.end();
}

type Inflated = Readonly<{ kind: 'inflated'; consumed: number; length: number; crc: number }>;

/** Inflates piece by piece, as fast as the pieces are taken. */
async function inflate(
  deflated: Uint8Array,
  size: number,
  take: (piece: Uint8Array) => ArchiveFault | null,
): Promise<Inflated | ArchiveFault> {
  const most = Math.min(MAX_STREAM_BYTES, Math.max(RATIO_FREE_BYTES, MAX_RATIO * size));
  const stream = createInflateRaw({ chunkSize: CHUNK_BYTES });
  stream.end(deflated);
  let length = 0;
  let crc = 0;
  try {
    for await (const chunk of stream) {
      const piece: Uint8Array = chunk;
      length += piece.length;
      if (length > most)
        return most === MAX_STREAM_BYTES
          ? archiveFault('unpacked-too-large', `more than ${MAX_STREAM_BYTES} bytes`)
          : archiveFault('ratio', `more than ${MAX_RATIO} times ${size} bytes`);
      crc = crc32(piece, crc);
      const fault = take(piece);
      if (fault !== null) return fault;
    }
  } catch (error) {
    if (isSystemError(error, 'Z_BUF_ERROR'))
      return archiveFault('gzip-truncated', 'compressed data without its end');
    if (isSystemError(error, 'Z_DATA_ERROR'))
      return archiveFault('gzip-damaged', 'compressed data that is none');
    throw error;
  }
  return { kind: 'inflated', consumed: stream.bytesWritten, length, crc };
}

function trailerFault(trailer: Uint8Array, { length, crc }: Inflated): ArchiveFault | null {
  if (trailer.length < TRAILER_BYTES)
    return archiveFault('gzip-truncated', 'an archive without its checksum');
  const view = Buffer.from(trailer.buffer, trailer.byteOffset, trailer.length);
  if (view.readUInt32LE(0) !== crc || view.readUInt32LE(4) !== length)
    return archiveFault('gzip-damaged', 'a checksum, or a length, of something else');
  if (trailer.length > TRAILER_BYTES)
    return archiveFault('gzip-trailing', `${trailer.length - TRAILER_BYTES} bytes after its end`);
  return null;
}

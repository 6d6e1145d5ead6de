import { AppError } from '../errors.ts';

/** The error of everything in this folder that is read from others and is not what it should be. */
export function malformed(field: string, expected: string): AppError {
  return new AppError('checkpoint.invalid', { field, expected });
}

/** The text of well-formed UTF-8 bytes, a byte order mark kept. Throws `checkpoint.invalid` for other bytes. */
export function decodeText(field: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // The decoder throws a TypeError that says nothing more.
    throw malformed(field, 'well-formed UTF-8');
  }
}

/** Standard base64 with padding (RFC 4648 section 4). */
export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}

/**
 * The bytes of standard base64. Throws `checkpoint.invalid` for anything but the one encoding of its
 * bytes: no white space, all the padding, no stray bits, so that one value has one text.
 */
export function decodeBase64(field: string, text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) throw malformed(field, 'canonical base64');
  // A view of its own memory: small buffers share a pool, which others would see through `.buffer`.
  return new Uint8Array(bytes);
}

/** SHA-256. */
const HASH_BYTES = 32;

/** The 32 bytes of a hash in base64. Throws `checkpoint.invalid`. */
export function decodeHash(field: string, text: string): Uint8Array {
  const bytes = decodeBase64(field, text);
  if (bytes.length !== HASH_BYTES) throw malformed(field, `${HASH_BYTES} bytes in base64`);
  return bytes;
}

/** A count in ASCII decimals without leading zeros, at most 2^53−1. Throws `checkpoint.invalid`. */
export function decodeCount(field: string, text: string): number {
  const value = /^(0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) {
    throw malformed(field, 'a decimal number without leading zeros, at most 2^53-1');
  }
  return value;
}

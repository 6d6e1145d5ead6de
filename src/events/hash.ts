import { hash } from 'node:crypto';

/** SHA-256 of bytes or of UTF-8 text, in 64 lower-case hex digits. */
export function sha256(data: Uint8Array | string): string {
  return hash('sha256', data, 'hex');
}

/** The `prev` of the first event: it has no predecessor. */
export const NO_LEAF = '0'.repeat(64);

/** The Merkle leaf hash of a stored payload: SHA-256(0x00 ‖ payload) (RFC 6962 section 2.1), in hex. */
export function leafHash(payload: Uint8Array): string {
  return hash('sha256', leafPreimage(payload), 'hex');
}

/** What a leaf hash is the SHA-256 of: 0x00 ‖ payload, so that no leaf can pass for an inner node. */
function leafPreimage(payload: Uint8Array): Uint8Array {
  const end = payload.length + 1;
  const leaf = end <= shared.length ? shared : Buffer.alloc(end);
  leaf.set(payload, 1);
  return leaf.subarray(0, end);
}

/** Filled and hashed without a pause in between: its first byte is always 0, and the longest event fits behind it. */
const shared = Buffer.alloc(65_536);

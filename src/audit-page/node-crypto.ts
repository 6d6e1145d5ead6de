import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { shake256 } from '@noble/hashes/sha3.js';

type Output = 'hex' | 'buffer';

/** So many bytes, each a character. */
type Bytes = Readonly<{ outputLength: number; outputEncoding: 'binary' }>;

/**
 * The one-shot `hash` of node:crypto in a browser, as far as the auditor calls it: bundles of the audit page
 * have it in the place of that module. SHAKE256 gives `outputLength` bytes, the others as many as they have.
 */
export function hash(algorithm: string, data: Uint8Array | string, output: 'hex'): string;
export function hash(algorithm: string, data: Uint8Array | string, output: 'buffer'): Buffer;
export function hash(algorithm: string, data: Uint8Array | string, output: Bytes): string;
export function hash(
  algorithm: string,
  data: Uint8Array | string,
  output: Output | Bytes,
): string | Buffer {
  const bytes = typeof data === 'string' ? Buffer.from(data, 'utf8') : data;
  const length = typeof output === 'string' ? undefined : output.outputLength;
  const digest = Buffer.from(digestOf(algorithm, bytes, length).buffer);
  if (output === 'buffer') return digest;
  return digest.toString(output === 'hex' ? output : output.outputEncoding);
}

function digestOf(
  algorithm: string,
  bytes: Uint8Array,
  length: number | undefined,
): Uint8Array<ArrayBuffer> {
  switch (algorithm) {
    case 'sha256':
      return sha256(bytes);
    case 'sha512':
      return sha512(bytes);
    case 'shake256':
      return shake256(bytes, length === undefined ? {} : { dkLen: length });
    default:
      throw new TypeError(`no hash ${algorithm} in the audit page`);
  }
}

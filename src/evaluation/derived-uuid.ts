import { sha256 } from '../events/hash.ts';

/**
 * A UUID that follows from its parts, so that whoever starts again gives the same name: the first digits of the
 * SHA-256 of the parts with a zero character between them. No part may contain that character.
 */
export function derivedUuid(parts: readonly string[]): string {
  const digest = sha256(parts.join('\0'));
  // Version 8 and variant 10 of RFC 9562: a UUID whose other bits are the maker's own.
  const variant = '89ab'[Number.parseInt(digest[16] ?? '0', 16) & 3];
  return [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `8${digest.slice(13, 16)}`,
    `${variant}${digest.slice(17, 20)}`,
    digest.slice(20, 32),
  ].join('-');
}

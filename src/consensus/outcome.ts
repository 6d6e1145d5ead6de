import { encode, type Json } from '../events/ej1.ts';
import { sha256 } from '../events/hash.ts';

/**
 * The SHA-256 of a record's EJ1 form, in hex: the digest of an outcome is what a certificate's
 * signatures agree on, of inputs what a decision rested on, of a snapshot what the chain said.
 */
export function digestOf(record: Json): string {
  return sha256(encode(record));
}

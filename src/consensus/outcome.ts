import type { Outcome } from '../events/decision.ts';
import { encode, type Json } from '../events/ej1.ts';
import { sha256 } from '../events/hash.ts';

/**
 * The SHA-256 of a record's EJ1 form, in hex: the digest of an outcome is what a certificate's
 * signatures agree on, of inputs what a decision rested on, of a snapshot what the chain said.
 */
export function digestOf(record: Json): string {
  return sha256(encode(record));
}

/** What all outcomes of one round share: the same run, under the same rules, over the same voters. */
export function roundOf(outcome: Outcome): string {
  const { v, rules, genesis, netuid, family, run, roster, open, targetBlock } = outcome;
  return encode({ v, rules, genesis, netuid, family, run, roster, open, targetBlock });
}

import type { Known } from '#src/chain/chain.ts';

/** The value of a known fact; throws for an unknown one, with its reason. */
export function valueOf<T>(fact: Known<T>): T {
  if (!fact.known) throw new Error(`unknown: ${fact.reason}: ${fact.detail}`);
  return fact.value;
}

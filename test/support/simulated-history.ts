import type { SigningHistory } from '#src/handlers/signing-history.ts';

/** A signing history in memory, over a map from `kind family run` to what was signed there. */
export function simulatedHistory(signed: Map<string, string> = new Map()): SigningHistory {
  return {
    reserve: ({ kind, family, run }, digest) => {
      const slot = `${kind} ${family} ${run}`;
      const held = signed.get(slot) ?? digest;
      signed.set(slot, held);
      return Promise.resolve(
        held === digest ? { kind: 'reserved' } : { kind: 'conflict', digest: held },
      );
    },
  };
}

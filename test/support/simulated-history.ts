import type { SigningHistory, SigningSlot } from '#src/handlers/signing-history.ts';

/** A signing history in memory, over a map from `kind family run` to what was signed there. */
export function simulatedHistory(signed: Map<string, string> = new Map()): SigningHistory {
  return {
    reserve: ({ kind, family, run }, digest) => {
      const slot = `${kind} ${family} ${run}`;
      const own = signed.get(slot);
      const held = own ?? elsewhere({ kind, family, run }, signed);
      if (held !== undefined && held !== own)
        return Promise.resolve({ kind: 'conflict', digest: held });
      if (own !== undefined && own !== digest)
        return Promise.resolve({ kind: 'conflict', digest: own });
      signed.set(slot, digest);
      return Promise.resolve({ kind: 'reserved' });
    },
  };
}

/** What was signed in a run of that number of another family, where one of the two is a commitment. */
function elsewhere(
  { kind, family, run }: SigningSlot,
  signed: ReadonlyMap<string, string>,
): string | undefined {
  for (const [slot, digest] of signed) {
    const [other, ...place] = slot.split(' ');
    const both = [kind, other];
    const apart = place[0] === family || place[1] !== run || both.includes('decision');
    if (!apart && both.includes('commitment')) return digest;
  }
  return undefined;
}

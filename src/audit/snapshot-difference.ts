import { encode, type Json } from '../events/ej1.ts';
import type { Snapshot } from '../events/snapshot.ts';

/** Where two snapshots differ first: one fact of the chain, as it is and as it was said to be. */
export function differenceOf(
  chain: Snapshot,
  said: Snapshot,
): Readonly<{ expected: string; found: string }> {
  for (const field of ['block', 'blockHash', 'rowCount', 'incumbent'] as const) {
    const [expected, found] = [chain, said].map((each) => `${field} ${textOf(each[field])}`);
    if (expected !== undefined && found !== undefined && expected !== found)
      return { expected, found };
  }
  for (const [list, name] of [
    ['voters', 'voter'],
    ['miners', 'seat'],
  ] as const) {
    const [there, here] = [chain, said].map(
      (each) => new Map(each[list].map((entry) => [entry.hotkey, `${name} ${textOf(entry)}`])),
    );
    for (const hotkey of new Set([...(there?.keys() ?? []), ...(here?.keys() ?? [])])) {
      const expected = there?.get(hotkey) ?? `no ${name} ${hotkey}`;
      const found = here?.get(hotkey) ?? `no ${name} ${hotkey}`;
      if (expected !== found) return { expected, found };
    }
  }
  return { expected: textOf(chain), found: textOf(said) };
}

function textOf(value: unknown): string {
  return encode(value as Json); // safe: every schema of the catalogue is JSON
}

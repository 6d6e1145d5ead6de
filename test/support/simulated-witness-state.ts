import { sha256 } from '#src/events/hash.ts';
import type { Witnessed, WitnessState } from '#src/sequencer/witness.ts';

/** What was cosigned, in memory, over a map from a log's name: it outlives the process that has it open. */
export function simulatedWitnessState(rows: Map<string, Witnessed> = new Map()): WitnessState {
  return {
    read: async (origin) => rows.get(origin) ?? null,
    find: async (originHash) =>
      [...rows.values()].find(({ origin }) => sha256(origin) === originHash) ?? null,
    advance: async (from, to) => {
      const held = rows.get(to.origin);
      if (held?.size !== from?.size || held?.root !== from?.root) return 'stale';
      rows.set(to.origin, to);
      return 'advanced';
    },
  };
}

import type { Lock, Locked } from '#src/sequencer/lock.ts';

/** A lock in memory, over a map from a log's name to what was signed of it last: several processes may share it. */
export function simulatedLock(rows: Map<string, Locked> = new Map()): Lock {
  return {
    sources: async () => [...rows.keys()].toSorted(),
    read: async (source) => rows.get(source) ?? null,
    begin: async (first) => {
      if (rows.has(first.source)) return 'exists';
      rows.set(first.source, first);
      return 'begun';
    },
    advance: async (from, to) => {
      const held = rows.get(from.source);
      if (held?.size !== from.size || held.root !== from.root || held.note !== from.note)
        return 'stale';
      rows.set(from.source, to);
      return 'advanced';
    },
  };
}

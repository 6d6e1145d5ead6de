import type { LogSource } from '../../audit/log-source.ts';
import { encodeEntries, TILE_WIDTH } from '../../merkle/tile.ts';
import type { LogStore } from '../../runtime/log-store.ts';

/**
 * A log as its stream holds it: events alone, without checkpoint and tiles, so that nothing in it says that it is
 * whole. It ends where it ended when it was opened: what is written meanwhile is for the next audit.
 */
export function streamLog(store: LogStore, size: number): LogSource {
  return {
    name: `stream ${store.name}`,
    checkpoint: async () => null,
    entries: async (index) => {
      const from = index * TILE_WIDTH;
      const payloads =
        from >= size ? [] : await store.fetch(from, Math.min(TILE_WIDTH, size - from));
      return encodeEntries(payloads);
    },
    tile: async () => null,
  };
}

import { encodeEntries, splitEntries, TILE_WIDTH } from '../merkle/tile.ts';
import { HASH_BYTES } from '../merkle/tree.ts';
import type { LogSource } from './log-source.ts';

/**
 * A source whose partial files may have given way to whole ones while it is read: a log removes a partial tile once
 * the whole one is published, and what is asked for is the beginning of that.
 */
export function withWholeTiles(source: LogSource): LogSource {
  const { entries, tile } = source;
  return {
    ...source,
    entries: async (index, width) => {
      const found = await entries(index, width);
      if (found !== null || width === TILE_WIDTH) return found;
      const whole = await entries(index, TILE_WIDTH);
      if (whole === null) return null;
      const { payloads } = splitEntries(whole);
      return payloads.length < width ? null : encodeEntries(payloads.slice(0, width));
    },
    tile: async (level, index, width) => {
      const found = await tile(level, index, width);
      if (found !== null || width === TILE_WIDTH) return found;
      const whole = await tile(level, index, TILE_WIDTH);
      return whole?.subarray(0, width * HASH_BYTES) ?? null;
    },
  };
}

import { statedSize } from '../../audit/log-name.ts';
import type { LogSource } from '../../audit/log-source.ts';
import { withWholeTiles } from '../../audit/whole-tiles.ts';
import { splitEntries, TILE_WIDTH } from '../../merkle/tile.ts';
import type { ReadBodies } from '../../sequencer/log-bodies.ts';
import type { LogFiles } from '../../sequencer/log-files.ts';
import { readBundle } from '../../sequencer/published-tiles.ts';

/** The events in a published copy of a log, of which nothing is believed. */
export async function bodiesOf(source: LogSource): Promise<ReadBodies> {
  const size = statedSize(await source.checkpoint()) ?? 0;
  const { entries } = withWholeTiles(source);
  return async (index, width) => {
    // What the copy publishes as one bundle may be wider than what is asked for.
    const published = Math.min(TILE_WIDTH, Math.max(width, size - index * TILE_WIDTH));
    const bytes = await entries(index, published);
    return bytes === null ? null : splitEntries(bytes).payloads;
  };
}

/** The events in the own published files. */
export function ownBodies(files: LogFiles, size: number): ReadBodies {
  return async (index, width) => {
    const published = Math.min(TILE_WIDTH, Math.max(width, size - index * TILE_WIDTH));
    const bundle = await readBundle(files, index, published);
    return 'kind' in bundle ? null : bundle;
  };
}

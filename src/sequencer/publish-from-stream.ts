import { AppError } from '../errors.ts';
import { TILE_WIDTH } from '../merkle/tile.ts';
import { hexOf, leafOf } from '../merkle/tree.ts';
import { bundlesBetween } from './bundles.ts';
import type { CoverDeps } from './cover-events.ts';
import type { Locked } from './lock.ts';
import type { LogFile } from './log-files.ts';
import { isFullTile } from './published-tiles.ts';
import { EMPTY_EDGE, extend, partialTiles, rootOfEdge } from './second-way.ts';
import { fetchEvents } from './stored-events.ts';

/** Published at once: eight bundles. */
const STEP_EVENTS = 8 * TILE_WIDTH;

/**
 * Publishes what was signed last once more, from the stream: files that are there already stay as they are. The
 * checkpoint comes last, and only when the files give the root that was signed. Throws `log.broken` when they do
 * not, `log.forked` when other bytes are published.
 */
export async function publishFromStream(
  locked: Locked,
  { events, files }: Pick<CoverDeps, 'events' | 'files'>,
): Promise<void> {
  let edge = EMPTY_EDGE;
  for (let at = 0; at < locked.size; at += STEP_EVENTS) {
    const end = Math.min(at + STEP_EVENTS, locked.size);
    const payloads = await fetchEvents(events, at, end);
    const extended = extend(edge, at, payloads.map(leafOf));
    edge = extended.edge;
    await files.publish([
      ...bundlesBetween(payloads, at, at + payloads.length),
      ...filesOf(extended.tiles),
    ]);
  }
  await files.publish([...partialTiles(edge, locked.size)].map(fileOf));
  const root = hexOf(rootOfEdge(edge));
  if (root !== locked.root)
    throw new AppError('log.broken', {
      found: `root ${root}`,
      expected: `root ${locked.root} over the first ${locked.size} events, which was signed`,
    });
  await files.publishCheckpoint(Buffer.from(locked.note, 'utf8'));
}

function filesOf(tiles: ReadonlyMap<string, Uint8Array>): readonly LogFile[] {
  return [...tiles].filter(([path]) => isFullTile(path)).map(fileOf);
}

function fileOf([path, bytes]: readonly [string, Uint8Array]): LogFile {
  return { path, bytes };
}

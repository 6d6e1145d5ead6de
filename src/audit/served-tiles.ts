import { TILE_WIDTH, type TileRef, tilePath, tilesBetween } from '../merkle/tile.ts';
import { HASH_BYTES, hexOf } from '../merkle/tree.ts';
import type { Faults } from './fault.ts';
import { inOrder } from './in-order.ts';
import type { LogSource } from './log-source.ts';
import type { LeafReader, ServedBundle } from './read-leaves.ts';

/** Bundles that are fetched ahead: enough to hide a round trip, few enough to hold in memory (16 MB each at most). */
const BUNDLES_AHEAD = 4;

/** The bundles of a log with the hash tiles over them, in order; of a log of unknown size until one is short. */
export function fetchBundles(
  source: LogSource,
  size: number | null,
): AsyncGenerator<ServedBundle, void> {
  return inOrder(bundlesOf(source, size), BUNDLES_AHEAD);
}

/** The jobs that fetch the bundles of a log with the hash tiles over them; of one of unknown size there is no end of them. */
export function* bundlesOf(
  source: LogSource,
  size: number | null,
): Generator<() => Promise<ServedBundle>, void> {
  for (let index = 0; size === null || index * TILE_WIDTH < size; index++) {
    const width = size === null ? null : Math.min(TILE_WIDTH, size - index * TILE_WIDTH);
    yield async () => {
      const [entries, tile] = await Promise.all([
        source.entries(index, width ?? TILE_WIDTH),
        width === null ? null : source.tile(0, index, width),
      ]);
      return { index, width, entries, tile };
    };
  }
}

/**
 * Compares every served hash tile above the leaves with the hashes that were computed, byte for byte. Gives how
 * many tiles the log has, the lowest ones included, which were compared as the leaves were read.
 */
export async function checkTiles(
  source: LogSource,
  { hashes }: Pick<LeafReader, 'hashes'>,
  faults: Faults,
): Promise<number> {
  const refs = tilesBetween(0, hashes.size());
  const upper = refs.filter(({ level }) => level > 0);
  const fetched = inOrder(
    upper.map((ref) => async () => {
      const served = await source.tile(ref.level, ref.index, ref.width);
      return { ref, served };
    }),
    BUNDLES_AHEAD,
  );
  for await (const { ref, served } of fetched) {
    const computed = hashes.tile(ref.level, ref.index, ref.width);
    if (computed !== undefined) compareTile(ref, { computed, served }, faults);
    if (faults.full()) break;
  }
  return refs.length;
}

/** Compares one served hash tile; each hash that differs is told, at the first event under it. */
export function compareTile(
  { level, index, width }: TileRef,
  { computed, served }: Readonly<{ computed: Uint8Array; served: Uint8Array | null }>,
  faults: Faults,
): void {
  const path = tilePath(level, index, width);
  const under = TILE_WIDTH ** level;
  const first = index * TILE_WIDTH * under;
  if (served?.length !== computed.length) {
    const expected = `${computed.length} bytes`;
    const found = served === null ? 'nothing' : `${served.length} bytes`;
    const code = served === null ? 'tile-missing' : 'tile-altered';
    faults.add({ code, index: first, where: path, expected, found });
    return;
  }
  if (Buffer.compare(computed, served) === 0) return;
  for (let at = 0; at < width; at++) {
    const [expected, found] = [hexAt(computed, at), hexAt(served, at)];
    if (expected === found) continue;
    const where = `${path}, hash ${at}`;
    faults.add({ code: 'tile-altered', index: first + at * under, where, expected, found });
  }
}

function hexAt(tile: Uint8Array, at: number): string {
  return hexOf(tile.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES));
}

import { EMPTY } from '../events/decode.ts';
import type { Recorded } from '../events/envelope.ts';
import { entriesPath, splitEntries, TILE_WIDTH, tilePath } from '../merkle/tile.ts';
import { createTree, HASH_BYTES, type Hash, hashOf, hexOf, sameHash } from '../merkle/tree.ts';
import type { Faults } from './fault.ts';
import { createLeafChain, type LeafChain } from './leaf-chain.ts';
import { createTileHashes, type TileHashes } from './tile-hashes.ts';

/** One bundle of a log as it is served, with the hash tile over it; null where the source has none. */
export type ServedBundle = Readonly<{
  index: number;
  /** Entries that a log of that size has in it; null where the source does not say how many it holds. */
  width: number | null;
  entries: Uint8Array | null;
  tile: Uint8Array | null;
}>;

export type LeafReader = Pick<LeafChain, 'brokenAt' | 'source' | 'unknown'> &
  Readonly<{
    /**
     * Reads the next bundle. `last`: the source, which does not say how many it holds, has no more. `lost`: events
     * are missing, and their hashes too, so that nothing behind them can be placed.
     */
    read: (bundle: ServedBundle) => 'read' | 'last' | 'lost';
    /** Settles what only the root can tell: of the last event, whether it or its hash was altered. */
    end: (root: Hash | null) => void;
    hashes: TileHashes;
  }>;

/**
 * Reads every event of a log in order, bundle by bundle, and grows the hashes of its tree. Events go to `take` up
 * to the first that is altered, missing or unreadable; hashing goes on behind it.
 */
export function createLeafReader(
  source: string | null,
  { faults, take }: Readonly<{ faults: Faults; take: (recorded: Recorded) => void }>,
): LeafReader {
  const hashes = createTileHashes();
  const chain = createLeafChain(source, EMPTY, { faults, leaf: hashes.append, take });
  return {
    read: (bundle) => readBundle(bundle, chain, faults),
    end: (root) => {
      const last = chain.contested();
      if (last === null) return;
      // Nothing follows it: the root says whether the event, or the hash in its place, belongs there.
      const tree = createTree({ size: hashes.size(), peaks: hashes.peaks() });
      tree.append(hashOf(last.computed));
      chain.settle(root !== null && sameHash(tree.root(), root) ? 'tile' : 'entry');
    },
    hashes,
    brokenAt: chain.brokenAt,
    source: chain.source,
    unknown: chain.unknown,
  };
}

/** Of a hash. */
const HEX_DIGITS = 2 * HASH_BYTES;

function readBundle(
  { index, width, entries, tile }: ServedBundle,
  chain: LeafChain,
  faults: Faults,
): 'read' | 'last' | 'lost' {
  const from = index * TILE_WIDTH;
  const { payloads, missing } = splitEntries(entries ?? new Uint8Array(0));
  const count = width ?? payloads.length;
  const tileBytes = width === null ? null : lowestTile({ index, width }, tile, faults);
  // A part of one text is compared sooner than bytes that are cut out for each event.
  const hashes = tileBytes === null ? null : hexOf(tileBytes);
  let read = 0;
  for (; read < count; read++) {
    const payload = payloads[read];
    const served = hashes?.slice(read * HEX_DIGITS, (read + 1) * HEX_DIGITS) ?? null;
    if (payload !== undefined) chain.read({ payload, index: from + read, served });
    else if (served !== null) chain.skip(from + read, served);
    else break;
  }
  const where = entriesPath(index, width ?? TILE_WIDTH);
  const expected = `${count} entries`;
  if (width !== null && entries === null) {
    chain.fail('entries-missing', from, where, expected, 'nothing');
  } else if (missing !== null || payloads.length !== count) {
    const rest = missing === null ? '' : `, then no ${missing.replace(/^an? /, '')}`;
    const at = from + Math.min(payloads.length, count);
    chain.fail('entries-malformed', at, where, expected, `${payloads.length} entries${rest}`);
  }
  if (read < count) return 'lost';
  return width === null && count < TILE_WIDTH ? 'last' : 'read';
}

/** The served hashes of the entries, if there are as many as there have to be. */
function lowestTile(
  { index, width }: Readonly<{ index: number; width: number }>,
  tile: Uint8Array | null,
  faults: Faults,
): Uint8Array | null {
  if (tile?.length === width * HASH_BYTES) return tile;
  const found = tile === null ? 'nothing' : `${tile.length} bytes`;
  faults.add({
    code: tile === null ? 'tile-missing' : 'tile-altered',
    index: index * TILE_WIDTH,
    where: tilePath(0, index, width),
    expected: `${width * HASH_BYTES} bytes`,
    found,
  });
  return null;
}

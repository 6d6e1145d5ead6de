import { type Examined, examineEvent } from '../events/decode.ts';
import { decodeBytes } from '../events/ej1.ts';
import { Envelope, type Recorded } from '../events/envelope.ts';
import { NO_LEAF } from '../events/hash.ts';
import { entriesPath, splitEntries, TILE_WIDTH, tilePath } from '../merkle/tile.ts';
import { createTree, HASH_BYTES, type Hash, sameHash, type Tree } from '../merkle/tree.ts';
import type { FaultCode, Faults } from './fault.ts';
import { createTileHashes, type TileHashes } from './tile-hashes.ts';

/** One bundle of a log as it is served, with the hash tile over it; null where the source has none. */
export type ServedBundle = Readonly<{
  index: number;
  /** Entries that a log of that size has in it; null where the source does not say how many it holds. */
  width: number | null;
  entries: Uint8Array | null;
  tile: Uint8Array | null;
}>;

export type LeafReader = Readonly<{
  /**
   * Reads the next bundle. `last`: the source, which does not say how many it holds, has no more. `lost`: events
   * are missing, and their hashes too, so that nothing behind them can be placed.
   */
  read: (bundle: ServedBundle) => 'read' | 'last' | 'lost';
  /** Settles what only the root can tell: of the last event, whether it or its hash was altered. */
  end: (root: Hash | null) => void;
  hashes: TileHashes;
  tree: Tree;
  /** Where events stopped being fit for the rules; null while all of them are. */
  brokenAt: () => number | null;
  /** The log's name, as its events have it; null before the first. */
  source: () => string | null;
  /** Events of types that this build does not know, by type. */
  unknown: () => ReadonlyMap<string, number>;
}>;

/**
 * Reads every event of a log in order: hashes it, compares it with the served hash, and examines bytes, chain
 * and schema. What differs is settled by majority: the next event's `prev` says whether the event or the
 * served hash is the altered one, so one altered byte is one fault, at its place. Events go to `take` up to the
 * first that is altered, missing or unreadable; hashing goes on behind it.
 */
export function createLeafReader(
  source: string | null,
  deps: Readonly<{ faults: Faults; take: (recorded: Recorded) => void }>,
): LeafReader {
  const state: State = {
    source,
    head: NO_LEAF,
    pending: null,
    brokenAt: null,
    tree: createTree(),
    hashes: createTileHashes(),
    unknown: new Map(),
    ...deps,
  };
  return {
    read: (bundle) => readBundle(state, bundle),
    end: (root) => {
      if (state.pending !== null) settle(state, byRoot(state, state.pending, root));
    },
    hashes: state.hashes,
    tree: state.tree,
    brokenAt: () => state.brokenAt,
    source: () => state.source,
    unknown: () => state.unknown,
  };
}

type Pending = Readonly<{ index: number; computed: Hash; served: Hash; examined: Examined }>;

type State = {
  source: string | null;
  /** Leaf hash of the event before, in hex. */
  head: string;
  /** The event before, whose own hash is not the served one, until it is known which of them was altered. */
  pending: Pending | null;
  brokenAt: number | null;
  readonly tree: Tree;
  readonly hashes: TileHashes;
  readonly unknown: Map<string, number>;
  readonly faults: Faults;
  readonly take: (recorded: Recorded) => void;
};

function readBundle(
  state: State,
  { index, width, entries, tile }: ServedBundle,
): 'read' | 'last' | 'lost' {
  const from = index * TILE_WIDTH;
  const { payloads, missing } = splitEntries(entries ?? new Uint8Array(0));
  const count = width ?? payloads.length;
  const hashes = width === null ? null : lowestTile(state, { index, width }, tile);
  let read = 0;
  for (; read < count; read++) {
    const payload = payloads[read];
    const served = hashes?.subarray(read * HASH_BYTES, (read + 1) * HASH_BYTES) ?? null;
    if (payload !== undefined) readEntry(state, { payload, index: from + read, served });
    else if (served !== null) skipEntry(state, from + read, served);
    else break;
  }
  const where = entriesPath(index, width ?? TILE_WIDTH);
  const expected = `${count} entries`;
  if (width !== null && entries === null) {
    broken(state, 'entries-missing', from, { where, expected, found: 'nothing' });
  } else if (missing !== null || payloads.length !== count) {
    const at = from + Math.min(payloads.length, count);
    const rest = missing === null ? '' : `, then no ${missing.replace(/^an? /, '')}`;
    const found = `${payloads.length} entries${rest}`;
    broken(state, 'entries-malformed', at, { where, expected, found });
  }
  if (read < count) return 'lost';
  return width === null && count < TILE_WIDTH ? 'last' : 'read';
}

/** The served hashes of the entries, if there are as many as there have to be. */
function lowestTile(
  { faults }: State,
  { index, width }: Readonly<{ index: number; width: number }>,
  tile: Uint8Array | null,
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

type Entry = Readonly<{ payload: Uint8Array; index: number; served: Hash | null }>;

function readEntry(state: State, { payload, index, served }: Entry): void {
  state.source ??= envelopeOf(payload)?.source ?? '';
  if (state.pending !== null) {
    const prev = envelopeOf(payload)?.prev ?? null;
    settle(state, byPrev(state.pending, prev));
  }
  const examined = examineEvent(payload, state.source, { size: index, hash: state.head });
  const hash = examined.kind === 'read' ? examined.recorded.hash : examined.hash;
  const computed = Buffer.from(hash, 'hex');
  state.head = hash;
  if (served !== null && !sameHash(computed, served)) {
    // Nothing of it is believed before the next event has told which of the two is right.
    state.pending = { index, computed, served, examined };
    return;
  }
  append(state, computed);
  accept(state, index, examined);
}

function accept(state: State, index: number, examined: Examined): void {
  if (examined.kind === 'read') {
    if (state.brokenAt === null) state.take(examined.recorded);
    return;
  }
  const { reason, found } = examined;
  if (reason === 'type' && index === 0) {
    // Without its start nobody knows whose log it is, and half of the rules would look at nothing.
    const expected = 'log.started as the first event';
    broken(state, 'start-invalid', index, { where: null, expected, found });
    return;
  }
  if (reason === 'type') {
    const type = found.split(':')[0] ?? found;
    state.unknown.set(type, (state.unknown.get(type) ?? 0) + 1);
    return;
  }
  broken(state, CODES[reason], index, { where: null, expected: EXPECTED[reason], found });
}

type Refusal = Exclude<Extract<Examined, { kind: 'refused' }>['reason'], 'type'>;

const CODES: Readonly<Record<Refusal, FaultCode>> = {
  canonical: 'event-malformed',
  envelope: 'event-malformed',
  source: 'event-foreign',
  index: 'chain-broken',
  prev: 'chain-broken',
  data: 'event-invalid',
  identity: 'event-invalid',
};

const EXPECTED: Readonly<Record<Refusal, string>> = {
  canonical: 'canonical EJ1',
  envelope: 'the envelope of an event',
  source: 'an event of this log',
  index: 'the index of its place',
  prev: 'the leaf hash of the event before it as prev',
  data: 'data that its schema allows',
  identity: 'the id and subject that follow from its data',
};

/** An event that is gone, with its served hash in its place. */
function skipEntry(state: State, index: number, served: Hash): void {
  if (state.pending !== null) settle(state, 'entry');
  state.brokenAt ??= index;
  state.head = hexOf(served);
  append(state, served);
}

/** Which of the two that differ was altered. */
type Culprit = 'entry' | 'tile';

function byPrev({ computed }: Pending, prev: string | null): Culprit {
  return prev === hexOf(computed) ? 'tile' : 'entry';
}

function byRoot({ tree }: State, { computed }: Pending, root: Hash | null): Culprit {
  const grown = createTree(tree.state());
  grown.append(computed);
  return root !== null && sameHash(grown.root(), root) ? 'tile' : 'entry';
}

function settle(state: State, culprit: Culprit): void {
  if (state.pending === null) return;
  const { index, computed, served, examined } = state.pending;
  state.pending = null;
  if (culprit === 'entry') {
    const [expected, found] = [hexOf(served), hexOf(computed)];
    broken(state, 'entry-altered', index, { where: null, expected, found });
    state.head = expected;
    append(state, served);
    return;
  }
  const tile = tilePath(0, Math.floor(index / TILE_WIDTH), TILE_WIDTH);
  const [expected, found] = [hexOf(computed), hexOf(served)];
  const where = `${tile}, hash ${index % TILE_WIDTH}`;
  state.faults.add({ code: 'tile-altered', index, where, expected, found });
  append(state, computed);
  accept(state, index, examined);
}

function append({ tree, hashes }: State, leaf: Hash): void {
  tree.append(leaf);
  hashes.append(leaf);
}

function broken(
  state: State,
  code: FaultCode,
  index: number,
  rest: Readonly<{ where: string | null; expected: string; found: string }>,
): void {
  state.brokenAt ??= index;
  state.faults.add({ code, index, ...rest });
}

/** What an event says of its place; null where it can't be read. */
function envelopeOf(payload: Uint8Array): Readonly<{ source: string; prev: string }> | null {
  try {
    return Envelope.safeParse(decodeBytes(payload)).data ?? null;
  } catch {
    // No event: that is told where it is examined.
    return null;
  }
}

function hexOf(hash: Hash): string {
  return Buffer.from(hash).toString('hex');
}

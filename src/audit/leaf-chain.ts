import { type Examined, envelopeIn, examineEvent } from '../events/decode.ts';
import type { Head, Recorded } from '../events/envelope.ts';
import { leafHash } from '../events/hash.ts';
import { TILE_WIDTH, tilePath } from '../merkle/tile.ts';
import type { FaultCode, Faults } from './fault.ts';

/** A stored event at its place, with the hash that the source serves for it, in hex; null where it serves none. */
type Entry = Readonly<{ payload: Uint8Array; index: number; served: string | null }>;

/** An event whose own hash is not the served one: what is altered is not known before the next event tells. */
type Contested = Readonly<{ index: number; computed: string; served: string }>;

/** Which of the two that differ was altered. */
type Culprit = 'entry' | 'tile';

export type ChainDeps = Readonly<{
  faults: Faults;
  /** Gets every leaf hash of the log, in order and in hex. */
  leaf: (hash: string) => void;
  /** Gets the events that can be read, up to the first that is altered, missing or unreadable. */
  take: (recorded: Recorded) => void;
}>;

/** Events of a type whose rules nobody here can apply. */
type Unknown = Readonly<{ first: number; times: number }>;

export type LeafChain = Readonly<{
  /** Reads the next entry. */
  read: (entry: Entry) => void;
  /** Passes over an entry that is gone, with its served hash in its place. */
  skip: (index: number, served: string) => void;
  /** The last event, while it is not known whether it or its served hash was altered. */
  contested: () => Contested | null;
  /** Says which it was. */
  settle: (culprit: Culprit) => void;
  /** Where events stopped being fit for the rules; null while all of them are. */
  brokenAt: () => number | null;
  fail: (code: FaultCode, index: number, where: string, expected: string, found: string) => void;
  /** The log's name, as its events have it; null before the first. */
  source: () => string | null;
  /** Events of types that this build does not know, by type: the index of the first, and how many there are. */
  unknown: () => ReadonlyMap<string, Unknown>;
}>;

/**
 * Reads the events of a log behind `after`, one by one: hashes each, compares it with the served hash, and examines
 * bytes, chain and schema. What differs is settled by majority: the next event's `prev` says whether the event or
 * the served hash is the altered one, so one altered byte is one fault, at its place.
 */
export function createLeafChain(source: string | null, after: Head, deps: ChainDeps): LeafChain {
  const state: State = {
    source,
    head: after.hash,
    pending: null,
    brokenAt: null,
    unknown: new Map(),
    ...deps,
  };
  return {
    read: (entry) => readEntry(state, entry),
    skip: (index, served) => {
      settle(state, 'entry');
      state.brokenAt ??= index;
      state.head = served;
      state.leaf(served);
    },
    contested: () => state.pending,
    settle: (culprit) => settle(state, culprit),
    brokenAt: () => state.brokenAt,
    fail: (code, index, where, expected, found) =>
      broken(state, code, index, { where, expected, found }),
    source: () => state.source,
    unknown: () => state.unknown,
  };
}

/** An event with all that it is examined by. */
type Hashed = Readonly<{
  index: number;
  payload: Uint8Array;
  computed: string;
  source: string;
  after: Head;
}>;

type Pending = Contested & Hashed;

type State = ChainDeps & {
  source: string | null;
  /** Leaf hash of the event before, in hex. */
  head: string;
  pending: Pending | null;
  brokenAt: number | null;
  readonly unknown: Map<string, Unknown>;
};

function readEntry(state: State, { payload, index, served }: Entry): void {
  state.source ??= envelopeIn(payload)?.source ?? '';
  if (state.pending !== null) {
    const prev = envelopeIn(payload)?.prev ?? null;
    settle(state, prev === state.pending.computed ? 'tile' : 'entry');
  }
  const { source, head } = state;
  const computed = leafHash(payload);
  const entry = { index, payload, after: { size: index, hash: head }, source, computed };
  state.head = computed;
  if (served !== null && computed !== served) {
    // Nothing of it is believed before the next event has told which of the two is right.
    state.pending = { ...entry, served };
    return;
  }
  state.leaf(computed);
  accept(state, entry);
}

function accept(state: State, { index, payload, computed, source, after }: Hashed): void {
  const examined = examineEvent(payload, source, after, computed);
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
    const type = envelopeIn(payload)?.type ?? found;
    const { first, times } = state.unknown.get(type) ?? { first: index, times: 0 };
    state.unknown.set(type, { first, times: times + 1 });
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

function settle(state: State, culprit: Culprit): void {
  if (state.pending === null) return;
  const { pending } = state;
  const { index, computed, served } = pending;
  state.pending = null;
  if (culprit === 'entry') {
    broken(state, 'entry-altered', index, { where: null, expected: served, found: computed });
    state.head = served;
    state.leaf(served);
    return;
  }
  const tile = tilePath(0, Math.floor(index / TILE_WIDTH), TILE_WIDTH);
  const where = `${tile}, hash ${index % TILE_WIDTH}`;
  state.faults.add({ code: 'tile-altered', index, where, expected: computed, found: served });
  state.leaf(computed);
  accept(state, pending);
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

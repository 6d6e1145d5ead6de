import { describe, expect, test } from 'vitest';
import { auditLog, type LogVerdict } from '#src/audit/audit-log.ts';
import { type Fault, gatherFaults } from '#src/audit/fault.ts';
import { createLeafChain } from '#src/audit/leaf-chain.ts';
import type { LogSource } from '#src/audit/log-source.ts';
import { checkLogKey, checkNote } from '#src/audit/published-note.ts';
import { checkStart } from '#src/audit/rules/start.ts';
import { compareTile } from '#src/audit/served-tiles.ts';
import { blake2b256 } from '#src/chain/blake2b.ts';
import { verifySr25519 } from '#src/chain/hotkey.ts';
import { EMPTY, readEvent } from '#src/events/decode.ts';
import type { Head } from '#src/events/envelope.ts';
import { leafHash } from '#src/events/hash.ts';
import type { LogStart } from '#src/events/log-started.ts';
import { encodeEntries, parseTilePath, splitEntries, TILE_WIDTH } from '#src/merkle/tile.ts';
import { hexOf, leafOf } from '#src/merkle/tree.ts';
import { GENESIS, honestLog, NETUID, noteOf, SELF, SOURCE } from '../support/honest-log.ts';
import { filesOf, type LogFiles, sourceOf } from '../support/memory-log.ts';

const SIZE = 300;
const LOG = honestLog({ runs: 2, miners: 4, tasks: 34 }).slice(0, SIZE);
const FILES = filesOf(LOG, noteOf(LOG));
const LEAVES = LOG.map(leafOf);
const DEPS = { verify: verifySr25519, blake2b256 };
const EXPECTED = { hotkey: SELF.hotkey, genesis: GENESIS, netuid: NETUID, ownerHotkey: null };

function audit(files: LogFiles): Promise<LogVerdict> {
  return auditLog(sourceOf(files), { ...EXPECTED, claims: [] }, DEPS);
}

/** The files with one of them changed. */
function changed(path: string, change: (bytes: Uint8Array) => Uint8Array): LogFiles {
  const files = new Map(FILES);
  files.set(path, change(bytesOf(path)));
  return files;
}

function bytesOf(path: string): Uint8Array {
  const bytes = FILES.get(path);
  if (bytes === undefined) throw new Error(`no file ${path}`);
  return bytes;
}

/** The bytes with one bit of one byte flipped, another bit from byte to byte. */
function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ (1 << (at % 8));
  return copy;
}

const headBefore = (index: number): Head =>
  index === 0 ? EMPTY : { size: index, hash: leafHash(LOG[index - 1] ?? new Uint8Array()) };

/** What a reader says of one entry, and of the one behind it, which the entries before them do not change. */
function readFrom(index: number, payload: Uint8Array, served: Uint8Array): readonly Fault[] {
  const { chain, faults } = chainAt(index);
  chain.read({ payload, index, served: hexOf(served) });
  const next = LOG[index + 1];
  if (next === undefined) chain.settle(served === LEAVES[index] ? 'entry' : 'tile');
  else chain.read({ payload: next, index: index + 1, served: hexAt(index + 1) });
  return faults.list();
}

/** The first index that a reader finds a fault at, in these payloads from an index on. */
function firstFault(
  index: number,
  payloads: readonly Uint8Array[],
  leaves: readonly Uint8Array[] | null = LEAVES,
): number | null | undefined {
  const { chain, faults } = chainAt(index);
  for (const [at, payload] of payloads.entries())
    chain.read({
      payload,
      index: index + at,
      served: leaves === null ? null : hexAt(index + at, leaves),
    });
  chain.settle('entry');
  return faults.list()[0]?.index;
}

function hexAt(index: number, leaves: readonly Uint8Array[] = LEAVES): string | null {
  const leaf = leaves[index];
  return leaf === undefined ? null : hexOf(leaf);
}

function chainAt(index: number) {
  const faults = gatherFaults();
  const ignore = () => undefined;
  const chain = createLeafChain(SOURCE, headBefore(index), { faults, leaf: ignore, take: ignore });
  return { chain, faults };
}

function startOf([first = new Uint8Array()]: readonly Uint8Array[]): LogStart | null {
  const { event } = readEvent(first, SOURCE, EMPTY);
  if (event.type !== 'log.started.v1') return null;
  const checked = checkStart(event.data, SOURCE, { verify: verifySr25519 });
  return checked.kind === 'started' ? checked.start : null;
}

/** A stream of these events: it has neither checkpoint nor hash tiles. */
function streamOf(payloads: readonly Uint8Array[]): LogSource {
  return {
    name: 'stream',
    checkpoint: async () => null,
    entries: async (index) =>
      encodeEntries(payloads.slice(index * TILE_WIDTH, (index + 1) * TILE_WIDTH)),
    tile: async () => null,
  };
}

test('the log has 300 events, two bundles and three hash tiles, and is clean', async () => {
  expect(LOG).toHaveLength(SIZE);
  expect([...FILES.keys()]).toEqual([
    'checkpoint',
    'tile/entries/000',
    'tile/entries/001.p/44',
    'tile/0/000',
    'tile/0/001.p/44',
    'tile/1/000.p/1',
  ]);
  expect((await audit(FILES)).faults).toEqual([]);
});

describe('every single changed byte', () => {
  test('of every event is found at that event', () => {
    let bytes = 0;
    for (const [index, payload] of LOG.entries()) {
      const { chain } = chainAt(index);
      const served = hexAt(index);
      for (let at = 0; at < payload.length; at++, bytes++) {
        chain.read({ payload: flipped(payload, at), index, served });
        if (chain.contested()?.index !== index) expect.fail(`event ${index}, byte ${at}`);
        chain.settle('entry');
      }
    }
    expect(bytes).toBe(LOG.reduce((sum, { length }) => sum + length, 0));
  });

  test('of an event is told from one of its served hash by what follows', () => {
    for (const [index, payload] of LOG.entries()) {
      const leaf = LEAVES[index] ?? new Uint8Array();
      const at = index % payload.length;
      expect(readFrom(index, flipped(payload, at), leaf)).toMatchObject([
        { code: 'entry-altered', index },
      ]);
      expect(readFrom(index, payload, flipped(leaf, at % leaf.length))).toMatchObject([
        { code: 'tile-altered', index },
      ]);
    }
  });

  test('of every length between the events is found at the event behind it', () => {
    for (const [bundle, path] of ['tile/entries/000', 'tile/entries/001.p/44'].entries()) {
      const bytes = bytesOf(path);
      let start = 0;
      for (let index = bundle * TILE_WIDTH; start < bytes.length; index++) {
        for (const at of [start, start + 1]) {
          const { payloads, missing } = splitEntries(flipped(bytes, at));
          const payload = payloads[index - bundle * TILE_WIDTH];
          // A length beyond the end of the bundle ends it before this event.
          if (payload === undefined) expect(missing, `${path}, byte ${at}`).not.toBeNull();
          else expect(firstFault(index, [payload]), `${path}, byte ${at}`).toBe(index);
        }
        start += 2 + (LOG[index]?.length ?? 0);
      }
    }
  });

  test('of every hash tile is found at its hash', () => {
    for (const [index, leaf] of LEAVES.entries()) {
      const { chain } = chainAt(index);
      const payload = LOG[index] ?? new Uint8Array();
      for (let at = 0; at < leaf.length; at++) {
        chain.read({ payload, index, served: hexOf(flipped(leaf, at)) });
        expect(chain.contested()?.index).toBe(index);
        chain.settle('entry');
      }
    }
    const upper = bytesOf('tile/1/000.p/1');
    for (let at = 0; at < upper.length; at++) {
      const faults = gatherFaults();
      const ref = { level: 1, index: 0, width: 1 };
      compareTile(ref, { computed: upper, served: flipped(upper, at) }, faults);
      expect(faults.list()).toMatchObject([
        { code: 'tile-altered', index: 0, where: 'tile/1/000.p/1, hash 0' },
      ]);
    }
  });

  test('of the checkpoint is found', () => {
    const start = startOf(LOG);
    const note = bytesOf('checkpoint');
    for (let at = 0; at < note.length; at++) {
      const faults = gatherFaults();
      const published = checkNote(flipped(note, at), EXPECTED, { verify: verifySr25519, faults });
      checkLogKey(published, start, faults);
      expect(faults.list()[0]?.code, `byte ${at}`).toMatch(/^checkpoint-/);
    }
  });

  test('is one fault of the whole audit, at its place', async () => {
    for (const path of [
      'tile/entries/000',
      'tile/entries/001.p/44',
      'tile/0/000',
      'tile/0/001.p/44',
    ]) {
      const bytes = bytesOf(path);
      for (const at of [7, bytes.length - 1]) {
        const { faults } = await audit(changed(path, (file) => flipped(file, at)));
        const code = path.includes('entries') ? 'entry-altered' : 'tile-altered';
        expect(faults, `${path}, byte ${at}`).toMatchObject([{ code, index: expect.any(Number) }]);
      }
    }
  });
});

type Damage = Readonly<{ title: string; of: (index: number) => readonly Uint8Array[] }>;
const at = (index: number): Uint8Array => LOG[index] ?? new Uint8Array();
const DAMAGES: readonly Damage[] = [
  { title: 'is deleted', of: (index) => LOG.toSpliced(index, 1) },
  { title: 'comes twice', of: (index) => LOG.toSpliced(index, 0, at(index)) },
  {
    title: 'changed places with the next',
    of: (index) => LOG.toSpliced(index, 2, at(index + 1), at(index)),
  },
  { title: 'is the last that is left', of: (index) => LOG.slice(0, index + 1) },
];

describe.for(DAMAGES)('an event that $title', ({ title, of }) => {
  const ends = title === 'is the last that is left';
  /** The first place that can tell: behind a repeat, and behind the last of a log that ends early. */
  const firstOf = (index: number): number => (ends || title === 'comes twice' ? index + 1 : index);

  test('is found at its index, wherever it is, with and without the hashes that are served', () => {
    for (let index = 0; index < SIZE - 1 && !ends; index++) {
      const payloads = of(index).slice(index, index + 3);
      expect(firstFault(index, payloads), `event ${index}`).toBe(firstOf(index));
      expect(firstFault(index, payloads, null), `event ${index}`).toBe(firstOf(index));
    }
  });

  test.for([0, 100, 254, 255, 256, 298])('is found by the whole audit: event %i', async (index) => {
    const payloads = of(index);
    const files = new Map(FILES);
    const bundles = [payloads.slice(0, TILE_WIDTH), payloads.slice(TILE_WIDTH)];
    files.set('tile/entries/000', encodeEntries(bundles[0] ?? []));
    files.set('tile/entries/001.p/44', encodeEntries(bundles[1] ?? []));
    const { faults } = await audit(files);
    expect(Math.min(...faults.map((fault) => fault.index ?? SIZE))).toBe(firstOf(index));
  });

  test.for([0, 100, 254, 255, 256, 298])(
    'is found in a bare stream, unless that just ends there: event %i',
    async (index) => {
      const payloads = of(index);
      const { faults } = await auditLog(streamOf(payloads), { ...EXPECTED, claims: [] }, DEPS);
      // Nothing in a stream says how long it has to be: that is what checkpoints are for.
      const cut = ends || (title === 'is deleted' && index === SIZE - 1);
      expect(faults[0]?.index).toBe(cut ? undefined : firstOf(index));
    },
  );
});

test.for(['tile/entries/000', 'tile/0/001.p/44', 'tile/1/000.p/1'])(
  'a file that is missing, %s, is named',
  async (path) => {
    const files = new Map(FILES);
    files.delete(path);
    const { faults } = await audit(files);
    const code = path.includes('entries') ? 'entries-missing' : 'tile-missing';
    const index = (parseTilePath(path)?.index ?? 0) * TILE_WIDTH;
    expect(faults).toMatchObject([{ code, index, where: path, found: 'nothing' }]);
  },
);

test('a file that is cut short, or longer than it has to be, is named at its end', async () => {
  const path = 'tile/entries/001.p/44';
  const short = await audit(changed(path, (bytes) => bytes.subarray(0, -1)));
  expect(short.faults).toMatchObject([{ code: 'entries-malformed', index: SIZE - 1, where: path }]);
  const long = await audit(changed(path, (bytes) => Buffer.concat([bytes, Buffer.alloc(3, 0)])));
  expect(long.faults).toMatchObject([{ code: 'entries-malformed', index: SIZE, where: path }]);
  const tile = await audit(changed('tile/0/000', (bytes) => bytes.subarray(32)));
  expect(tile.faults).toMatchObject([{ code: 'tile-altered', index: 0, where: 'tile/0/000' }]);
});

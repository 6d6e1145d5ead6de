import type { DomainEvent } from '#src/events/catalogue.ts';
import { EMPTY } from '#src/events/decode.ts';
import { type Head, seal } from '#src/events/envelope.ts';
import type { Checkpoint } from '#src/merkle/checkpoint.ts';
import { formatCheckpoint, parseCheckpoint } from '#src/merkle/checkpoint.ts';
import { formatNote, parseNote } from '#src/merkle/signed-note.ts';
import { TILE_WIDTH } from '#src/merkle/tile.ts';
import { createTree, EMPTY_ROOT, hexOf, leafOf, type Tree } from '#src/merkle/tree.ts';
import type { Disk } from '#src/runtime/disk.ts';
import { logFiles, PUBLISHED_FOLDER } from '#src/runtime/log-files.ts';
import type { Message } from '#src/runtime/log-store.ts';
import { type MemoryDisk, memoryDisk, memoryStore } from '#src/runtime/memory-store.ts';
import type { StartDecision } from '#src/sequencer/decide-start.ts';
import type { Locked } from '#src/sequencer/lock.ts';
import { CHECKPOINT_PATH, type LogFiles } from '#src/sequencer/log-files.ts';
import type { Notes } from '#src/sequencer/notes.ts';
import type { Outside } from '#src/sequencer/outside.ts';
import { readBundle, rootAt } from '#src/sequencer/published-tiles.ts';
import { type Sequencer, type SequencerDeps, startSequencer } from '#src/sequencer/sequencer.ts';
import { faultPoints, type Life, type PointFault } from './fault-points.ts';
import { SOURCE } from './recorded-events.ts';
import { type SimulatedDisk, simulatedDisk } from './simulated-disk.ts';
import { simulatedLock } from './simulated-lock.ts';

/** Where the simulated validator keeps its files. */
export const DATA_DIR = '/data';

/** The clock moves by a second a look. */
const START_MS = Date.UTC(2026, 0, 1);
const TICK_MS = 1_000;

/**
 * A validator's machine without the validator: its stream, its disk, its lock, and all that was ever shown of its
 * log. What is checked is checked against the stream: it is append-only, so there is one true log.
 */
export type World = {
  readonly stream: MemoryDisk;
  readonly disk: SimulatedDisk;
  readonly rows: Map<string, Locked>;
  /** The stream as it grew: its head, its tree, and the root that it had at each size. */
  head: Head;
  readonly tree: Tree;
  readonly roots: string[];
  /** Events that a writer was told are stored. */
  acknowledged: number;
  /** The greatest checkpoint that anybody can have seen. */
  shown: number;
  /** The greatest that the process itself called published: others were told to rely on it. */
  told: number;
  signatures: number;
  now: number;
  /** How often each thing was decided at a start. */
  readonly decisions: Map<StartDecision['kind'], number>;
};

/** A machine on which a log was begun and nothing happened since. */
export async function newWorld(): Promise<World> {
  const note = Buffer.from(signNote({ origin: SOURCE, size: 0, root: EMPTY_ROOT }, 0)).toString();
  const time = new Date(START_MS).toISOString();
  const first = { source: SOURCE, size: 0, root: hexOf(EMPTY_ROOT), note, time };
  return {
    stream: memoryDisk(),
    disk: simulatedDisk(DATA_DIR),
    rows: new Map([[SOURCE, first]]),
    head: EMPTY,
    tree: createTree(),
    roots: [hexOf(EMPTY_ROOT)],
    acknowledged: 0,
    shown: 0,
    told: 0,
    signatures: 0,
    now: START_MS,
    decisions: new Map(),
  };
}

/** The same machine once more: what happens on one does not happen on the other. */
export function copyWorld(world: World): World {
  const disk = simulatedDisk(DATA_DIR);
  disk.restore(world.disk.snapshot());
  return {
    ...world,
    stream: { ...memoryDisk(), messages: [...world.stream.messages] },
    disk,
    rows: new Map(world.rows),
    tree: createTree(world.tree.state()),
    roots: [...world.roots],
    decisions: new Map(),
  };
}

/** One life of the validator's process on that machine. */
export type Running = Readonly<{
  life: Life;
  /** Starts the sequencer; throws what a start throws. */
  start: () => Promise<Sequencer>;
  /** Appends events, whose content follows from `salt`; false when the process died of it. */
  append: (count: number, salt: number) => Promise<boolean>;
}>;

/** Begins a life in which `nextFault` says what happens at each effect; `overrides` stand in for the rest of what it needs. */
export function beginLife(
  world: World,
  nextFault: (point: string) => PointFault,
  overrides: Partial<SequencerDeps> = {},
): Running {
  const life: Life = { alive: true, fault: null };
  const effect = faultPoints(life, nextFault);
  const store = memoryStore({ name: 'validator', source: SOURCE }, world.stream);
  const lock = simulatedLock(world.rows);
  const disk = faultyDisk(world, life, nextFault);
  return {
    life,
    append: async (count, salt) => {
      const messages = eventsBehind(world.head, count, salt);
      try {
        const make = async () => {
          await store.publish(messages, world.head.size);
          record(world, messages);
        };
        await effect({ point: 'append', make });
      } catch {
        if (!life.alive) return false;
        // The writer reads back what an attempt with an unknown outcome left behind.
      }
      world.acknowledged = world.stream.messages.length;
      return true;
    },
    start: () =>
      startSequencer(
        { source: SOURCE, intervalMs: 1 },
        {
          events: { ...store, size: () => effect({ point: 'size', make: store.size }) },
          files: logFiles(DATA_DIR, disk),
          lock: {
            ...lock,
            read: (source) => effect({ point: 'lock read', make: () => lock.read(source) }),
            advance: (from, to) =>
              effect({
                point: 'lock advance',
                make: async () => {
                  const advanced = await lock.advance(from, to);
                  if (advanced === 'advanced') requireTrue(world, to, 'locked');
                  return advanced;
                },
              }),
          },
          notes: simulatedNotes(world, life, nextFault),
          now: () => new Date((world.now += TICK_MS)).toISOString(),
          askOutside: async () => worldKnows(world),
          askSpace: async () => ({ freeBytes: 1, totalBytes: 1 }),
          wait: async () => undefined,
          onDecision: ({ kind }) => {
            world.decisions.set(kind, (world.decisions.get(kind) ?? 0) + 1);
          },
          onPublished: () => undefined,
          onHoldup: (reason) => {
            if (reason !== null) throw new Error(`held up: ${reason}`);
          },
          signal: new AbortController().signal,
          ...overrides,
        },
      ),
  };
}

/** A witness has seen the greatest checkpoint that was ever shown, and so has the chain. */
export function worldKnows({ shown, roots }: World): Outside {
  const seen = { size: shown, root: roots[shown] ?? '' };
  return {
    anchor: { known: true, value: shown === 0 ? null : { ...seen, generation: 0 } },
    witnessed: shown === 0 ? [] : [{ by: 'a witness', ...seen }],
  };
}

/** Events as a writer seals them behind a head; another salt gives other events. */
export function eventsBehind(head: Head, count: number, salt: number): readonly Message[] {
  let at = head;
  return Array.from({ length: count }, () => {
    const event: DomainEvent = {
      type: 'run.closed.v1',
      data: { family: 'general_chat', run: `run-${at.size * 100_000 + salt}`, reason: 'requested' },
    };
    const sealed = seal({ event, time: '2026-01-01T00:00:00.000Z', causationId: null }, SOURCE, at);
    at = sealed.head;
    return {
      subject: 'validator.run.closed.general_chat.run',
      payload: sealed.payload,
    };
  });
}

/** What the stream holds now is what the log has to be. */
function record(world: World, messages: readonly Message[]): void {
  for (const { payload } of messages) {
    const leaf = leafOf(payload);
    world.tree.append(leaf);
    world.head = { size: world.tree.size(), hash: hexOf(leaf) };
    world.roots.push(hexOf(world.tree.root()));
  }
}

/** A checkpoint over something else than the stream's events would be inconsistent with one before or after it. */
function requireTrue(world: World, at: Readonly<{ size: number; root: string }>, what: string) {
  const expected = world.roots[at.size];
  if (at.root !== expected)
    throw new Violation(
      `${what}: root ${at.root} at size ${at.size}, expected ${expected ?? 'none'}`,
    );
}

/** What must never happen. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** Signing takes no key here: a line whose signature tells one note of a checkpoint from another. */
function simulatedNotes(world: World, life: Life, nextFault: (point: string) => PointFault): Notes {
  return {
    sign: (checkpoint) => {
      const fault = life.alive ? nextFault('sign') : 'kill-before';
      world.signatures++;
      if (fault === 'none') return signNote(checkpoint, world.signatures);
      life.fault ??= { point: 'sign', fault };
      if (fault.startsWith('kill')) life.alive = false;
      throw new Error(`${fault}: sign`);
    },
    open: openNote,
  };
}

/** A note that `openNote` opens. */
export function signNote(checkpoint: Checkpoint, nonce: number): Uint8Array {
  const signature = Buffer.alloc(4);
  signature.writeUInt32BE(nonce);
  const signatures = [{ name: 'simulated', keyId: 1, signature }];
  return formatNote({ text: formatCheckpoint(checkpoint), signatures });
}

/** The checkpoint in a note; null for anything else. */
export function openNote(note: Uint8Array): Checkpoint | null {
  try {
    return parseCheckpoint(parseNote(note).text);
  } catch {
    return null;
  }
}

/** The world's disk, with a fault point at each effect; what becomes visible as the checkpoint is checked at once. */
function faultyDisk(world: World, life: Life, nextFault: (point: string) => PointFault): Disk {
  const effect = faultPoints(life, nextFault);
  const { disk } = world;
  const point = (what: string, path: string): string => `${what} ${kindOf(path)}`;
  return {
    read: (path) => effect({ point: point('read', path), make: () => disk.read(path) }),
    size: disk.size,
    write: (path, bytes) =>
      effect({
        point: point('write', path),
        make: () => disk.write(path, bytes),
        tear: () => disk.write(path, bytes.subarray(0, bytes.length / 2)),
      }),
    rename: (from, to) =>
      effect({
        point: point('rename', to),
        make: async () => {
          await disk.rename(from, to);
          if (kindOf(to) === 'checkpoint') await seeCheckpoint(world);
        },
      }),
    remove: (path) => effect({ point: point('remove', path), make: () => disk.remove(path) }),
    makeFolder: (path) => effect({ point: point('make', path), make: () => disk.makeFolder(path) }),
    removeFolder: (path) =>
      effect({ point: point('remove folder', path), make: () => disk.removeFolder(path) }),
    list: (path) => effect({ point: point('list', path), make: () => disk.list(path) }),
    syncFolder: (path) => effect({ point: point('sync', path), make: () => disk.syncFolder(path) }),
  };
}

function kindOf(path: string): string {
  if (path.endsWith(`/${CHECKPOINT_PATH}`)) return 'checkpoint';
  if (path.includes('-staging')) return path.includes('/new-') ? 'draft' : 'staging';
  if (path.includes('/entries')) return 'entries';
  return path.includes('/tile') ? 'tile' : 'folder';
}

/** Anybody may have read it now: it is the log's, no smaller than the one before it, and locked. */
async function seeCheckpoint(world: World): Promise<void> {
  const seen = await publishedIn(world);
  if (seen === null) throw new Violation('a checkpoint that nobody can open');
  requireTrue(world, seen, 'published');
  const locked = world.rows.get(SOURCE)?.size ?? 0;
  if (seen.size > locked) throw new Violation(`published ${seen.size}, locked ${locked}`);
  if (seen.size < world.shown) throw new Violation(`published ${seen.size} after ${world.shown}`);
  world.shown = seen.size;
}

async function publishedIn(world: World) {
  const note = await world.disk.read(`${DATA_DIR}/${PUBLISHED_FOLDER}/${CHECKPOINT_PATH}`);
  const opened = note === null ? null : openNote(note);
  return opened === null ? null : { size: opened.size, root: hexOf(opened.root) };
}

/**
 * What anybody can download now is a whole log, the same that every checkpoint before it covered: its files prove
 * its checkpoint, and hold the stream's events byte for byte. Throws a `Violation`.
 */
export async function checkPublished(world: World): Promise<void> {
  requireStored(world);
  const published = await publishedIn(world);
  if ((published?.size ?? 0) < world.told)
    throw new Violation(`size ${published?.size ?? 0} is published, and was ${world.told}`);
  if (published === null) return;
  const { size, root } = published;
  requireTrue(world, published, 'on disk');
  const files = logFiles(DATA_DIR, world.disk);
  if ((await rootAt(files, size, size)) !== root)
    throw new Violation(`tiles of another log, ${size}`);
  await checkBundles(world, files, size);
}

async function checkBundles(world: World, files: LogFiles, size: number): Promise<void> {
  for (let index = 0; index * TILE_WIDTH < size; index++) {
    const start = index * TILE_WIDTH;
    const bundle = await readBundle(files, index, Math.min(TILE_WIDTH, size - start));
    if ('kind' in bundle) throw new Violation(`${bundle.file} is ${bundle.kind}`);
    for (const [at, payload] of bundle.entries()) {
      const stored = world.stream.messages[start + at]?.payload;
      if (stored === undefined || Buffer.compare(stored, payload) !== 0)
        throw new Violation(`event ${start + at} is another one in the published files`);
    }
  }
}

function requireStored({ acknowledged, stream }: World): void {
  if (stream.messages.length < acknowledged)
    throw new Violation(`${stream.messages.length} events of ${acknowledged} acknowledged ones`);
}

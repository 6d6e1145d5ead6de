import { examineEvent } from '../events/decode.ts';
import type { Head } from '../events/envelope.ts';
import { TILE_WIDTH } from '../merkle/tile.ts';
import { leafOf, sameHash } from '../merkle/tree.ts';
import { bundlesBetween } from './bundles.ts';
import type { LogBodies } from './log-bodies.ts';
import type { LogFile, LogFiles } from './log-files.ts';
import { isFullTile } from './published-tiles.ts';
import { storeEvents } from './refill-stream.ts';
import { EMPTY_EDGE, extend, partialTiles } from './second-way.ts';
import { fetchEvents, type StoredEvents } from './stored-events.ts';

/** Puts every published file of a log back as it was signed: the bodies were authenticated by its root. */
export async function mendFiles(
  bodies: LogBodies,
  note: string,
  files: Pick<LogFiles, 'mend' | 'publishCheckpoint'>,
): Promise<void> {
  let edge = EMPTY_EDGE;
  for (let at = 0; at < bodies.size; at += TILE_WIDTH) {
    const payloads = await bodies.bundle(at / TILE_WIDTH);
    const end = at + payloads.length;
    const grown = extend(edge, at, bodies.leaves.slice(at, end));
    edge = grown.edge;
    const tiles = [...grown.tiles].filter(([path]) => isFullTile(path));
    await files.mend([...bundlesBetween(payloads, at, end), ...tiles.map(fileOf)]);
  }
  await files.mend([...partialTiles(edge, bodies.size)].map(fileOf));
  if (bodies.size > 0) await files.publishCheckpoint(Buffer.from(note, 'utf8'));
}

/** Where events are kept that no checkpoint covers, while the stream is not there. A repair that was killed leaves them. */
export type Tail = Readonly<{
  /** Null where nothing was kept. */
  load: () => Promise<readonly Uint8Array[] | null>;
  /** Durable when it resolves. */
  save: (payloads: readonly Uint8Array[]) => Promise<void>;
  drop: () => Promise<void>;
}>;

/** What a stream needs to be as it was. */
export type StreamPlan =
  | Readonly<{ kind: 'whole' }>
  /** Its end is missing: it is appended. */
  | Readonly<{ kind: 'append'; from: number }>
  /**
   * It holds something else at this index: it is deleted, created and filled. `tail` goes behind what was signed;
   * `lost` events follow from nothing that is left, and no checkpoint covers them.
   */
  | Readonly<{ kind: 'rebuild'; index: number; tail: readonly Uint8Array[]; lost: number }>;

/**
 * How the stream has to change to hold the signed events, and behind them what it holds now that no checkpoint
 * covers yet: events that were acknowledged are not given up with a damaged one before them.
 */
export async function planStream(
  bodies: LogBodies,
  events: Pick<StoredEvents, 'size' | 'fetch' | 'source'>,
): Promise<StreamPlan> {
  const stated = await events.size();
  const differs = await firstDifference(bodies, Math.min(stated, bodies.size), events);
  if (differs === null && stated < bodies.size) return { kind: 'append', from: stated };
  const tail = await readTail(bodies.headAt(bodies.size), events);
  const lost = Math.max(0, stated - bodies.size - tail.length);
  const index = differs ?? (lost > 0 ? bodies.size + tail.length : null);
  return index === null ? { kind: 'whole' } : { kind: 'rebuild', index, tail, lost };
}

export type RepairDeps = Readonly<{
  events: StoredEvents;
  /** Deletes the stream and creates an empty one. Needs the administrator's credential. */
  recreate: () => Promise<void>;
  tail: Tail;
  onProgress: (events: number) => void;
}>;

/**
 * Makes the stream hold the signed events byte for byte, event n at sequence n + 1, and then those behind them.
 * May be killed at any time and run again: what no checkpoint covers is kept elsewhere before the stream is deleted.
 * Gives the size of the stream.
 */
export async function repairStream(
  bodies: LogBodies,
  plan: StreamPlan,
  { events, recreate, tail, onProgress }: RepairDeps,
): Promise<number> {
  const kept = await restOf(plan, bodies, { events, tail });
  if (plan.kind === 'rebuild') {
    await tail.save(kept);
    await recreate();
  }
  let head = bodies.headAt(Math.min(await events.size(), bodies.size));
  while (head.size < bodies.size) {
    const bundle = await bodies.bundle(Math.floor(head.size / TILE_WIDTH));
    head = await storeEvents(bundle.slice(head.size % TILE_WIDTH), head, events);
    onProgress(head.size);
  }
  const size = await storeTail(kept, head, events);
  await tail.drop();
  return size;
}

/**
 * What goes behind the signed events: what the stream has there, unless an earlier repair that was killed kept that
 * and more. What was kept of a log that has gone on since does not follow, and is left.
 */
async function restOf(
  plan: StreamPlan,
  bodies: LogBodies,
  { events, tail }: Pick<RepairDeps, 'events' | 'tail'>,
): Promise<readonly Uint8Array[]> {
  const rest =
    plan.kind === 'rebuild' ? plan.tail : await readTail(bodies.headAt(bodies.size), events);
  const kept = followingOf((await tail.load()) ?? [], bodies.headAt(bodies.size), events.source);
  const goesOn = rest.every((payload, at) => Buffer.compare(payload, kept[at] ?? NOTHING) === 0);
  return goesOn ? kept : rest;
}

const NOTHING = new Uint8Array(0);

/** The first index at which the stream is not the log, up to `end`; null where it is. */
async function firstDifference(
  { leaves }: LogBodies,
  end: number,
  events: Pick<StoredEvents, 'fetch'>,
): Promise<number | null> {
  for (let at = 0; at < end; ) {
    const payloads = await fetchEvents(events, at, Math.min(end, at + TILE_WIDTH));
    if (payloads.length === 0) return at;
    for (const [offset, payload] of payloads.entries()) {
      const leaf = leaves[at + offset];
      if (leaf === undefined || !sameHash(leafOf(payload), leaf)) return at + offset;
    }
    at += payloads.length;
  }
  return null;
}

/** The events that the stream holds behind the signed ones, which end in `head`, as far as each follows from the one before it. */
export async function readTail(
  head: Head,
  events: Pick<StoredEvents, 'size' | 'fetch' | 'source'>,
): Promise<readonly Uint8Array[]> {
  return followingOf(
    await fetchEvents(events, head.size, await events.size()),
    head,
    events.source,
  );
}

/** These events as far as each follows from the one before it. */
function followingOf(
  payloads: readonly Uint8Array[],
  from: Head,
  source: string,
): readonly Uint8Array[] {
  const following: Uint8Array[] = [];
  let head: Head | null = from;
  for (const payload of payloads) {
    head = headBehind(payload, head, source);
    if (head === null) break;
    following.push(payload);
  }
  return following;
}

function headBehind(payload: Uint8Array, head: Head, source: string): Head | null {
  const examined = examineEvent(payload, source, head);
  if (examined.kind !== 'read') return null;
  return { size: examined.recorded.n + 1, hash: examined.recorded.hash };
}

/** Appends the tail behind the signed events, but for what of it is there already; gives the stream's size. */
async function storeTail(
  tail: readonly Uint8Array[],
  signed: Head,
  events: StoredEvents,
): Promise<number> {
  let head = signed;
  const held = (await events.size()) - signed.size;
  for (const payload of tail.slice(0, held))
    head = headBehind(payload, head, events.source) ?? head;
  for (let at = held; at < tail.length; at += TILE_WIDTH)
    head = await storeEvents(tail.slice(at, at + TILE_WIDTH), head, events);
  return signed.size + Math.max(held, tail.length);
}

function fileOf([path, bytes]: readonly [string, Uint8Array]): LogFile {
  return { path, bytes };
}

import { AppError } from '../errors.ts';
import { readEvent } from '../events/decode.ts';
import type { Head } from '../events/envelope.ts';
import type { Checkpoint } from '../merkle/checkpoint.ts';
import { type Hash, hashOf, hexOf, leafOf, sameHash } from '../merkle/tree.ts';
import { bundlesBetween } from './bundles.ts';
import type { Lock, Locked } from './lock.ts';
import type { LogFile, LogFiles } from './log-files.ts';
import type { Notes } from './notes.ts';
import { requirePublished } from './published-file.ts';
import { isFullTile } from './published-tiles.ts';
import type { Edge } from './second-way.ts';
import { encodeStaging, stagingName } from './staging.ts';
import type { StoredEvents } from './stored-events.ts';
import type { TileBuilder } from './tile-builder.ts';
import { verifyStaged } from './verify-staged.ts';

/** One checkpoint covers at most so many events, and stops reading behind so many bytes: what is staged is held in memory. */
const MAX_COVERED_EVENTS = 16_384;
const MAX_COVERED_BYTES = 64 * 1024 * 1024;

/** As many events as hide a round trip, and few enough to stop soon behind the bound on bytes. */
const READ_BATCH_EVENTS = 256;

/**
 * The log as it was signed last, known in two ways that share nothing but SHA-256: `builder` comes from the
 * stream, `edge` from the published files.
 */
export type Covered = {
  builder: TileBuilder;
  edge: Edge;
  head: Head;
  locked: Locked;
};

export type CoverDeps = Readonly<{
  events: StoredEvents;
  files: LogFiles;
  lock: Lock;
  notes: Notes;
  /** RFC 3339 UTC with milliseconds. */
  now: () => string;
}>;

/**
 * Covers what the stream holds beyond the last signed checkpoint by a new one, and publishes it (docs/adr/0017).
 * Signs only what is durable, was read back and was computed a second way. True when it published one, false where
 * there is nothing new. Whatever it throws is final: `covered` is of no use any more, and how far it got shows at
 * the next start, from what lies on the disks.
 */
export async function coverEvents(covered: Covered, deps: CoverDeps): Promise<boolean> {
  const { events, files, lock, notes } = deps;
  const from = covered.locked;
  const { payloads, head } = await readBack(covered, events);
  if (head.size === from.size) return false;

  const root = hexOf(covered.builder.root());
  const to = { size: head.size, root };
  const name = stagingName(to);
  const staged = [
    ...bundlesBetween(payloads, from.size, to.size),
    ...covered.builder.takeTiles(from.size),
  ];
  await files.stage(name, encodeStaging({ from: from.size, ...to, files: staged }));
  const verified = await verifyStaged(
    await requireStaged(files, name),
    { from, edge: covered.edge, to },
    (path) => requirePublished(files, path),
  );

  const note = signSurely({ origin: from.source, size: to.size, root: hashOf(root) }, notes);
  const locked = { source: from.source, ...to, note, time: deps.now() };
  if ((await lock.advance(from, locked)) === 'stale') throw overtaken(from);
  await publishStaged(files, verified.files, locked);
  covered.edge = verified.edge;
  covered.head = head;
  covered.locked = locked;
  return true;
}

/** Publishes verified files, then the checkpoint that covers them, then clears up. Safe to repeat. */
export async function publishStaged(
  files: LogFiles,
  verified: readonly LogFile[],
  locked: Locked,
): Promise<void> {
  await files.publish(verified);
  await files.publishCheckpoint(Buffer.from(locked.note, 'utf8'));
  await files.discardPartials(verified.map(({ path }) => path).filter(isFullTile));
  await files.unstage(stagingName(locked));
}

type ReadBack = Readonly<{
  /** From the beginning of the first bundle that grows. */
  payloads: readonly Uint8Array[];
  head: Head;
}>;

/**
 * Reads the new events from the stream, verifies and integrates each; also those that share a bundle with the
 * first new one, because the bundle is published anew. Throws `log.broken` where the stream holds something else.
 */
async function readBack({ builder, edge, head }: Covered, events: StoredEvents): Promise<ReadBack> {
  const covered = edge[0] ?? [];
  const start = head.size - covered.length;
  const payloads: Uint8Array[] = [];
  let [at, bytes, more] = [head, 0, true];
  while (more && at.size - head.size < MAX_COVERED_EVENTS && bytes < MAX_COVERED_BYTES) {
    const fetched = await events.fetch(start + payloads.length, READ_BATCH_EVENTS);
    more = fetched.length === READ_BATCH_EVENTS;
    for (const payload of fetched) {
      const leaf = covered[payloads.length];
      if (leaf !== undefined) requireSame(payload, leaf, start + payloads.length);
      else {
        const { n, hash } = readEvent(payload, events.source, at);
        builder.append(hashOf(hash));
        at = { size: n + 1, hash };
      }
      payloads.push(payload);
      bytes += payload.length;
    }
  }
  if (payloads.length < covered.length) throw vanished(start + payloads.length, head.size);
  return { payloads, head: at };
}

function requireSame(payload: Uint8Array, leaf: Hash, index: number): void {
  const found = leafOf(payload);
  if (!sameHash(found, leaf))
    throw new AppError('log.broken', {
      index,
      expected: hexOf(leaf),
      leaf: hexOf(found),
      found: 'another event than the one that was signed here before',
    });
}

async function requireStaged(files: LogFiles, name: string): Promise<Uint8Array> {
  const bytes = await files.readStaged(name);
  if (bytes === null)
    throw new AppError('checkpoint.invalid', {
      field: 'staging',
      found: 'nothing',
      expected: `what was staged as ${name}`,
    });
  return bytes;
}

/** The signed note, as text; it has to say what was signed when it is opened like a stranger's. */
function signSurely(checkpoint: Checkpoint, { sign, open }: Notes): string {
  const note = sign(checkpoint);
  const opened = open(note);
  if (opened?.size !== checkpoint.size || !sameHash(opened.root, checkpoint.root))
    throw new AppError('checkpoint.invalid', {
      field: 'note',
      found: 'a signature that does not verify',
      expected: 'a note that its own keys open; it was shown to nobody',
    });
  return Buffer.from(note).toString('utf8');
}

function vanished(index: number, size: number): AppError {
  return new AppError('log.broken', {
    index,
    found: 'nothing',
    expected: `the ${size} events that were signed`,
  });
}

/** The lock is not where this process left it: whatever else signs, it is not this process any more. */
function overtaken(from: Locked): AppError {
  return new AppError('log.conflict', {
    source: from.source,
    expected: `the checkpoint of size ${from.size} as the last that was signed`,
    found: 'another one: a second process signs for this log',
  });
}

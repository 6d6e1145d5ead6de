import { AppError, isAppError } from '../errors.ts';
import { EMPTY, readEvent } from '../events/decode.ts';
import { decodeBytes } from '../events/ej1.ts';
import { Envelope, type Head, type Recorded } from '../events/envelope.ts';
import { leafHash, NO_LEAF } from '../events/hash.ts';
import type { LogReader, ReadBatch, ReadOptions } from '../events/log.ts';
import type { LogStore } from './log-store.ts';
import type { OwnEvents } from './own-events.ts';
import { patientStore } from './patient-store.ts';
import type { RetryDeps } from './retry.ts';

/**
 * How many events a reader takes at once: enough to hide a round trip, few enough that two batches of
 * the largest events (65,535 bytes) stay below 70 MB.
 */
const READ_BATCH_EVENTS = 500;

export type ReaderDeps = Omit<RetryDeps, 'signal'> & {
  /** How an event is given: to whoever has its key a sealed fact is the event inside. As it is stored by default. */
  readonly expand?: (recorded: Recorded) => Recorded;
  /** Gives an event by its bytes and its place, where this process has stored it itself. */
  readonly recall?: OwnEvents['recall'];
};

/**
 * Reads a log from its store and verifies every event. A read that follows waits for a server that is
 * away (telling `onRetry`) and ends when its signal is aborted; a read to the present head throws
 * `log.unavailable` or the signal's reason instead, because its end means that nothing is missing.
 */
export function logReader(
  store: LogStore,
  { expand = asStored, recall = nothing, ...deps }: ReaderDeps = {},
): LogReader {
  const read: Read = (payload, head) =>
    recall(payload, head) ?? expand(readEvent(payload, store.source, head));
  const verify: Verify = (payloads, head) => verifyBatch(payloads, head, read);
  return {
    source: store.source,
    head: () => headOf(store),
    read: (options) =>
      options.follow ? follow(store, options, verify, deps) : readToHead(store, options, verify),
  };
}

function asStored(recorded: Recorded): Recorded {
  return recorded;
}

function nothing(): undefined {
  return undefined;
}

/** The verified event that follows a head. */
type Read = (payload: Uint8Array, head: Head) => Recorded;

type Verify = (payloads: readonly Uint8Array[], after: Head) => ReadBatch;

/** Where the log stands, by its last event alone: what lies before it is the business of whoever reads. */
export async function headOf(store: LogStore): Promise<Head> {
  const size = await store.size();
  if (size === 0) return EMPTY;
  const [payload] = await store.fetch(size - 1, 1);
  if (payload === undefined) throw missing(size - 1, size);
  const prev = size === 1 ? NO_LEAF : prevOf(payload, size - 1);
  return { size, hash: readEvent(payload, store.source, { size: size - 1, hash: prev }).hash };
}

async function* follow(
  store: LogStore,
  { after, signal }: ReadOptions,
  verify: Verify,
  deps: Omit<RetryDeps, 'signal'>,
): AsyncGenerator<ReadBatch> {
  const patient = patientStore(store, { ...deps, signal });
  let head = after;
  try {
    // What is there already is read to its stated end, so that a lost tail shows at once.
    const toHead = { after, follow: false, ...(signal && { signal }) };
    for await (const batch of readToHead(patient, toHead, verify)) {
      yield batch;
      head = batch.head;
    }
    for await (const payloads of store.follow(head.size, signal)) {
      const batch = verify(payloads, head);
      yield batch;
      head = batch.head;
    }
  } catch (error) {
    if (!signal?.aborted || isAppError(error, 'log.broken')) throw error;
  }
}

async function* readToHead(
  store: LogStore,
  { after, signal }: ReadOptions,
  verify: Verify,
): AsyncGenerator<ReadBatch> {
  const size = await store.size();
  if (after.size > 0) await checkStart(store, after, size);

  const fetchFrom = (from: number): Promise<readonly Uint8Array[]> => {
    const fetched = store.fetch(from, Math.min(READ_BATCH_EVENTS, size - from));
    // Awaited below; until then a failure must not count as unhandled.
    fetched.catch(() => undefined);
    return fetched;
  };
  let head = after;
  let next = head.size < size ? fetchFrom(head.size) : undefined;
  while (next !== undefined) {
    const payloads = await next;
    signal?.throwIfAborted();
    if (payloads.length === 0) throw missing(head.size, size);
    const end = head.size + payloads.length;
    next = end < size ? fetchFrom(end) : undefined;
    const batch = verify(payloads, head);
    head = batch.head;
    yield batch;
    signal?.throwIfAborted();
  }
}

/** A log whose event at the reader's position has another hash was truncated, restored or replaced. */
async function checkStart(store: LogStore, after: Head, size: number): Promise<void> {
  const [payload] = await store.fetch(after.size - 1, 1);
  if (payload === undefined) throw missing(after.size - 1, size);
  const leaf = leafHash(payload);
  if (leaf !== after.hash) {
    throw new AppError('log.broken', {
      index: after.size - 1,
      expected: after.hash,
      leaf,
      found: 'another event than the one that was read here before',
    });
  }
}

function verifyBatch(payloads: readonly Uint8Array[], after: Head, read: Read): ReadBatch {
  let head = after;
  const events: Recorded[] = [];
  for (const payload of payloads) {
    const recorded = read(payload, head);
    events.push(recorded);
    head = { size: recorded.n + 1, hash: recorded.hash };
  }
  return { events, payloads, head };
}

/** The `prev` that the last event states: its leaf hash vouches for it, so the chain before is not needed. */
function prevOf(payload: Uint8Array, index: number): string {
  try {
    return Envelope.parse(decodeBytes(payload)).prev;
  } catch (cause) {
    throw new AppError(
      'log.broken',
      { index, leaf: leafHash(payload), found: 'a last event that can not be read' },
      { cause },
    );
  }
}

function missing(index: number, size: number): AppError {
  return new AppError('log.broken', {
    index,
    found: `nothing, where the log states to hold ${size} events`,
  });
}

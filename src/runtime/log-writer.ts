import { AppError } from '../errors.ts';
import { eventId } from '../events/define-event.ts';
import { definitionOf } from '../events/definitions.ts';
import { type Draft, type Head, type Recorded, type Sealed, seal } from '../events/envelope.ts';
import { leafHash } from '../events/hash.ts';
import { type Appended, type LogWriter, MAX_APPEND_EVENTS } from '../events/log.ts';
import type { RunKeys } from '../events/run-key.ts';
import { isSealable, sealFact } from '../events/seal-box.ts';
import { subjectOf } from '../events/subjects.ts';
import type { LogStore, Message } from './log-store.ts';
import type { OwnEvents } from './own-events.ts';
import { type RetryDeps, whileUnavailable } from './retry.ts';

/** What may wait: some twenty batches. A caller that awaits its appends never gets here. */
export const MAX_QUEUED_EVENTS = 20_000;
export const MAX_QUEUED_BYTES = 64 * 1024 * 1024;

/** Appends share a batch up to this: a batch is one reply, and must arrive well within its time-out. */
const MAX_SHARED_BATCH_BYTES = 8 * 1024 * 1024;

export type WriterDeps = RetryDeps & {
  /** The keys under which facts that give scores away are stored sealed; without them they are stored as they are. */
  readonly keys?: RunKeys | undefined;
  /** Is told of what was stored, before whoever appended it is. */
  readonly keep?: OwnEvents['keep'];
};

/**
 * The one writer behind `head` in a store. An append is encoded when it is made, while the batch before
 * it is in flight; what waits by the time that batch is stored goes out as the next one. An aborted
 * `signal` refuses further appends and gives up waiting for a server that is away, with
 * `log.unavailable`; what is queued is still stored while the server answers. What an append gives are
 * the events that were drafted, also where they are stored sealed.
 */
export function logWriter(store: LogStore, head: Head, deps: WriterDeps = {}): LogWriter {
  const writer: Writer = { placed: head, stored: head, queue: [], events: 0, bytes: 0 };
  let idle = true;
  const pump = async (): Promise<void> => {
    idle = false;
    // Appends made in the same turn of the event loop share the first batch.
    await Promise.resolve();
    while (writer.queue.length > 0) await storeNextBatch(writer, store, deps);
    idle = true;
  };
  return {
    append: async (drafts) => {
      if (writer.ended !== undefined) return writer.ended();
      if (deps.signal?.aborted) throw closed();
      const queued = enqueue(writer, drafts, store, deps.keys);
      if (idle) void pump();
      return queued;
    },
  };
}

type Writer = {
  /** The head behind which the next append is placed. */
  placed: Head;
  /** The head of what the store is known to hold. */
  stored: Head;
  readonly queue: Queued[];
  events: number;
  bytes: number;
  /** Set once nothing can be appended any more: gives, or throws, what every append gets from then on. */
  ended?: () => Promise<Appended>;
};

type Queued = Readonly<{
  messages: readonly Message[];
  recorded: readonly Recorded[];
  head: Head;
  bytes: number;
  settle: PromiseWithResolvers<Appended>;
}>;

/** Encodes the drafts behind what is queued. A draft that can't be stored leaves the writer as it was. */
function enqueue(
  writer: Writer,
  drafts: readonly Draft[],
  store: LogStore,
  keys: RunKeys | undefined,
): Promise<Appended> {
  if (drafts.length > MAX_APPEND_EVENTS) {
    throw new AppError('append.too-large', {
      events: drafts.length,
      expected: `at most ${MAX_APPEND_EVENTS}`,
    });
  }
  if (writer.events + drafts.length > MAX_QUEUED_EVENTS) throw full(writer);
  let head = writer.placed;
  let bytes = 0;
  const messages: Message[] = [];
  const recorded: Recorded[] = [];
  for (const draft of drafts) {
    const placed = place(draft, store.source, head, keys);
    messages.push({ subject: subjectOf(store.name, draft.event), payload: placed.payload });
    recorded.push(placed.recorded);
    bytes += placed.payload.length;
    head = placed.head;
  }
  // An empty queue takes any append: otherwise the largest one could never be made.
  if (writer.queue.length > 0 && writer.bytes + bytes > MAX_QUEUED_BYTES) throw full(writer);
  const settle = Promise.withResolvers<Appended>();
  writer.queue.push({ messages, recorded, head, bytes, settle });
  writer.events += drafts.length;
  writer.bytes += bytes;
  writer.placed = head;
  return settle.promise;
}

/** A draft as it is stored; what is recorded of it is the event that was drafted. */
function place(draft: Draft, source: string, head: Head, keys: RunKeys | undefined): Sealed {
  const { event } = draft;
  if (keys === undefined || !isSealable(event)) return seal(draft, source, head);
  const placed = seal({ ...draft, event: sealFact(event, keys(event.data)) }, source, head);
  const id = eventId(definitionOf(event.type), event.data);
  return { ...placed, recorded: { ...placed.recorded, event, id } };
}

/** Takes what waits, up to one batch, and settles it. What is in flight still counts as queued. */
async function storeNextBatch(writer: Writer, store: LogStore, deps: WriterDeps): Promise<void> {
  const batch = nextBatch(writer.queue);
  const messages = batch.flatMap((queued) => queued.messages);
  try {
    const conflict =
      messages.length === 0 ? undefined : await commit(messages, writer.stored, store, deps);
    if (conflict !== undefined) {
      end(writer, async () => conflict);
      return;
    }
  } catch (cause) {
    const error = deps.signal?.aborted ? closed(cause) : cause;
    end(writer, async () => {
      throw error;
    });
    return;
  }
  writer.queue.splice(0, batch.length);
  for (const { recorded, head, bytes, settle } of batch) {
    deps.keep?.(recorded, writer.stored, bytes);
    writer.stored = head;
    writer.events -= recorded.length;
    writer.bytes -= bytes;
    settle.resolve({ kind: 'appended', events: recorded });
  }
}

/** The first appends of the queue, whole ones: an append is never split over two batches. */
function nextBatch(queue: readonly Queued[]): readonly Queued[] {
  let count = 0;
  let events = 0;
  let bytes = 0;
  for (const queued of queue) {
    events += queued.messages.length;
    bytes += queued.bytes;
    const fits = events <= MAX_APPEND_EVENTS && bytes <= MAX_SHARED_BATCH_BYTES;
    if (count > 0 && !fits) break;
    count++;
  }
  return queue.slice(0, count);
}

/**
 * Stores the messages behind `head`, however often the server must be asked; gives the conflict, if it
 * is one. Once an outcome is unknown, what lies in the store decides: the same bytes are ours.
 */
function commit(
  messages: readonly Message[],
  head: Head,
  store: LogStore,
  deps: RetryDeps,
): Promise<Appended | undefined> {
  return whileUnavailable(async (attempt) => {
    if (attempt > 0) {
      const earlier = await findEarlier(messages, head, store);
      if (earlier !== 'absent') return earlier === 'stored' ? undefined : earlier;
    }
    const published = await store.publish(messages, head.size);
    if (published.kind === 'stored') return undefined;
    if (attempt === 0) return conflict(head, published.found);
    // A copy of ours that was still under way can have won: look again.
    throw new AppError('log.unavailable', {
      index: head.size,
      found: `a conflict on a retried batch: ${published.found}`,
    });
  }, deps);
}

/** What an earlier attempt left behind `head`: our own bytes, nothing, or another writer's events. */
async function findEarlier(
  messages: readonly Message[],
  head: Head,
  store: LogStore,
): Promise<'stored' | 'absent' | Appended> {
  const size = await store.size();
  if (size === head.size) return 'absent';
  if (size < head.size) return conflict(head, `a log cut to ${size} events`);
  const payloads = await store.fetch(head.size, messages.length);
  if (payloads.length === 0) {
    throw new AppError('log.unavailable', {
      index: head.size,
      found: `nothing, where the log states to hold ${size} events`,
    });
  }
  for (const [index, { payload }] of messages.entries()) {
    const found = payloads[index];
    if (found === undefined) return conflict(head, `${index} of the ${messages.length} events`);
    if (Buffer.compare(payload, found) !== 0) {
      return conflict(head, `another writer's event ${head.size + index}, leaf ${leafHash(found)}`);
    }
  }
  return 'stored';
}

/** From here on every append, queued or to come, gets the same answer. */
function end(writer: Writer, answer: () => Promise<Appended>): void {
  writer.ended = answer;
  for (const { settle } of writer.queue.splice(0)) settle.resolve(answer());
}

function conflict(expected: Head, found: string): Appended {
  return { kind: 'conflict', expected, found };
}

function full({ events, bytes }: Writer): AppError {
  return new AppError('log.full', {
    queuedEvents: events,
    queuedBytes: bytes,
    expected: `at most ${MAX_QUEUED_EVENTS} events and ${MAX_QUEUED_BYTES} bytes; await what was appended before`,
  });
}

function closed(cause?: unknown): AppError {
  return new AppError(
    'log.unavailable',
    {
      found:
        'a writer that was closed; whether an event in flight is stored shows at the next start',
    },
    { cause },
  );
}

import type { LogName } from '../events/subjects.ts';

/**
 * The stream of one log as the sequencer reads it back: payloads by index, as they are stored. It knows nothing
 * of events and may drop, repeat, reorder or alter them. A server that is away is waited for; what throws ends
 * the sequencer.
 */
export type StoredEvents = Readonly<{
  name: LogName;
  /** The log's name in its events. */
  source: string;
  /** How many events the stream states to hold. */
  size: () => Promise<number>;
  /** At most `limit` payloads from index `from` on; fewer when it has, or finds, no more. */
  fetch: (from: number, limit: number) => Promise<readonly Uint8Array[]>;
  /** Payloads from index `from` on, as soon as they are stored, until the signal ends it. */
  follow: (from: number, signal?: AbortSignal) => AsyncIterable<readonly Uint8Array[]>;
  /** Stores messages behind the first `expectedSize` events: all or nothing, durably. */
  publish: (
    messages: readonly StoredMessage[],
    expectedSize: number,
  ) => Promise<{ readonly kind: 'stored' } | { readonly kind: 'conflict'; readonly found: string }>;
}>;

type StoredMessage = Readonly<{ subject: string; payload: Uint8Array }>;

/** Small enough that a batch of the largest events stays below 35 MB. */
const FETCH_EVENTS = 500;

/** The payloads from `from` to before `to`, or as many of them as there are. */
export async function fetchEvents(
  events: Pick<StoredEvents, 'fetch'>,
  from: number,
  to: number,
): Promise<readonly Uint8Array[]> {
  const payloads: Uint8Array[] = [];
  while (from + payloads.length < to) {
    const at = from + payloads.length;
    const fetched = await events.fetch(at, Math.min(FETCH_EVENTS, to - at));
    if (fetched.length === 0) break;
    payloads.push(...fetched);
  }
  return payloads;
}

import type { Draft, Head, Recorded } from './envelope.ts';

/** What became of an append. A conflict means that a second writer is alive: stop, never retry over it. */
export type Appended =
  | { readonly kind: 'appended'; readonly events: readonly Recorded[] }
  | { readonly kind: 'conflict'; readonly expected: Head; readonly found: string };

/** The most events of one append: an atomic batch of JetStream holds no more. */
export const MAX_APPEND_EVENTS = 1_000;

export type ReadOptions = Readonly<{
  /** Where to start: the head of what was read before. The event before it is compared, if there is one. */
  after: Head;
  /** Keep waiting for new events at the end; otherwise the reading ends at the head found at its start. */
  follow: boolean;
  signal?: AbortSignal;
}>;

/** A batch of stored events, verified: canonical, chained, known to the catalogue. */
export type ReadBatch = Readonly<{
  events: readonly Recorded[];
  payloads: readonly Uint8Array[];
  head: Head;
}>;

/** Reading one log. Every reader checks the hash chain and stops with `log.broken` at the first fault. */
export type LogReader = Readonly<{
  /** The log's name: the `source` of its events. */
  source: string;
  /** Where the log stands now. Throws `log.unavailable` when it can't be told. */
  head: () => Promise<Head>;
  /** Verified events in order, in bounded batches; the next batch is fetched when this one is taken. */
  read: (options: ReadOptions) => AsyncIterable<ReadBatch>;
}>;

/**
 * The one writer of one log. Appends are queued (bounded: `log.full` beyond), committed in order and
 * all or nothing; concurrent appends share one atomic batch. A server that does not answer is retried
 * with a read-back, so that no event is lost or doubled; after a conflict every append is refused.
 */
export type LogWriter = Readonly<{
  append: (drafts: readonly Draft[]) => Promise<Appended>;
}>;

export type Log = LogReader & LogWriter;

import type { LogName } from '../events/subjects.ts';

/** One event on its way into a store: its exact bytes, and the subject that tails and filters go by. */
export type Message = Readonly<{ subject: string; payload: Uint8Array }>;

/** What became of a publish. Nothing of a batch in conflict is stored. */
export type Published =
  | { readonly kind: 'stored' }
  | { readonly kind: 'conflict'; readonly found: string };

/**
 * Where the payloads of one log lie, by position from zero. A store knows nothing of events: it may
 * drop, repeat, reorder or alter payloads, and the reader above it finds out.
 * Every call throws `log.unavailable` when the server does not answer.
 */
export type LogStore = Readonly<{
  name: LogName;
  /** The log's name in its events. */
  source: string;
  /** How many messages the store states to hold. */
  size: () => Promise<number>;
  /**
   * Stores the messages, at most `MAX_APPEND_EVENTS`, behind the first `expectedSize`: all or nothing,
   * and durably. After `log.unavailable` the outcome is unknown: the messages may be stored, or be yet.
   */
  publish: (messages: readonly Message[], expectedSize: number) => Promise<Published>;
  /** At most `limit` payloads from position `from` on; fewer when the store has, or finds, no more. */
  fetch: (from: number, limit: number) => Promise<readonly Uint8Array[]>;
  /**
   * Payloads from position `from` on, as soon as they are stored, until the signal ends it. A server
   * that goes away is waited for. The next batch is asked for when this one is taken.
   */
  follow: (from: number, signal?: AbortSignal) => AsyncIterable<readonly Uint8Array[]>;
}>;

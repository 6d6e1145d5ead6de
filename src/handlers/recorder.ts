import { AppError } from '../errors.ts';
import type { DomainEvent } from '../events/catalogue.ts';
import { type LogWriter, MAX_APPEND_EVENTS } from '../events/log.ts';

/**
 * Appends events, all or nothing, and returns when every projection shows them. Throws `log.conflict`
 * when another writer is alive: the process must stop.
 */
export type Recorder = (
  events: readonly DomainEvent[],
  causationId?: string | null,
) => Promise<void>;

export type RecorderDeps = Readonly<{
  append: LogWriter['append'];
  /** Resolves when every projection has applied that many events. */
  reached: (size: number) => Promise<void>;
  /** The time now, RFC 3339 UTC with milliseconds. */
  now: () => string;
}>;

/** A recorder over one log. */
export function createRecorder({ append, reached, now }: RecorderDeps): Recorder {
  return async (events, causationId = null) => {
    if (events.length === 0) return;
    if (events.length > MAX_APPEND_EVENTS) {
      throw new AppError('append.too-large', {
        events: events.length,
        expected: `at most ${MAX_APPEND_EVENTS}`,
      });
    }
    const time = now();
    const result = await append(events.map((event) => ({ event, time, causationId })));
    if (result.kind === 'conflict') {
      throw new AppError('log.conflict', {
        expected: result.expected,
        found: result.found,
        next: 'another process writes this log: stop it, then start this one again',
      });
    }
    const last = result.events.at(-1);
    if (last !== undefined) await reached(last.n + 1);
  };
}

/** Records any number of events, in as many appends as they take: for events that do not belong together. */
export async function recordInBatches(
  events: readonly DomainEvent[],
  record: Recorder,
): Promise<void> {
  for (let start = 0; start < events.length; start += MAX_APPEND_EVENTS)
    await record(events.slice(start, start + MAX_APPEND_EVENTS));
}

import { EMPTY } from '#src/events/decode.ts';
import type { Draft, Head, Recorded } from '#src/events/envelope.ts';
import type { LogReader, ReadOptions } from '#src/events/log.ts';
import type { Message } from '#src/runtime/log-store.ts';
import { recordAll, scoreRecorded } from './recorded-events.ts';

/** A draft whose score is its index. */
export function draft(index: number): Draft {
  return { event: scoreRecorded(index), time: '2026-01-02T03:04:05.678Z', causationId: null };
}

/** Drafts of the indices from `from` on. */
export function drafts(from: number, count: number): readonly Draft[] {
  return Array.from({ length: count }, (_, index) => draft(from + index));
}

/** A draft that its schema refuses. */
export function badDraft(): Draft {
  const { event, ...rest } = draft(0);
  // safe: what a caller without types could pass
  return { ...rest, event: { ...event, data: { ...event.data, score: -1 } } as Draft['event'] };
}

/** The index that each event was drafted with. */
export function indices(events: readonly Recorded[]): readonly (number | null)[] {
  return events.map(({ event }) => (event.type === 'score.recorded.v1' ? event.data.score : null));
}

/** A chain of messages as a writer would publish them, behind `after`. */
export function sealedMessages(count: number, after: Head = EMPTY): readonly Message[] {
  const events = Array.from({ length: count }, (_, index) => scoreRecorded(index));
  return recordAll(events, after).payloads.map((payload) => ({
    subject: 'validator.score.recorded.general_chat.run-1',
    payload,
  }));
}

/** Reads to the present end of the log. */
export async function readAll(
  log: LogReader,
  options: Partial<ReadOptions> = {},
): Promise<readonly Recorded[]> {
  const events: Recorded[] = [];
  for await (const batch of log.read({ after: EMPTY, follow: false, ...options })) {
    events.push(...batch.events);
  }
  return events;
}

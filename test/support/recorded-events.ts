import type { DomainEvent } from '#src/events/catalogue.ts';
import { EMPTY } from '#src/events/decode.ts';
import { type Head, type Recorded, seal } from '#src/events/envelope.ts';
import type { LogReader, ReadBatch } from '#src/events/log.ts';
import type { Projector, Queries } from '#src/projectors/projector.ts';
import { logReader } from '#src/runtime/log-reader.ts';
import { type MemoryDisk, memoryDisk, memoryStore } from '#src/runtime/memory-store.ts';
import { openProjection } from '#src/runtime/projection.ts';
import { IN_MEMORY } from '#src/runtime/sqlite.ts';

export const SOURCE = 'eirel.network/log/v1/00000000/36/test/1';
const TIME = '2026-01-02T03:04:05.678Z';

/** A well-formed address that no key stands behind: `hotkey('a')` sorts before `hotkey('b')`. */
export function hotkey(letter: string): string {
  return `5${letter.repeat(47)}`;
}

/** A well-formed digest. */
export function digest(digit: string): string {
  return digit.repeat(64);
}

/** A well-formed signature. */
export function signature(digit: string): string {
  return digit.repeat(128);
}

/** The events as they stand in a log, behind `after`, with the head that they lead to. */
export function recordAll(events: readonly DomainEvent[], after: Head = EMPTY): ReadBatch {
  let head = after;
  const sealed = events.map((event) => {
    const next = seal({ event, time: TIME, causationId: null }, SOURCE, head);
    head = next.head;
    return next;
  });
  return {
    events: sealed.map(({ recorded }) => recorded),
    payloads: sealed.map(({ payload }) => payload),
    head,
  };
}

/** A log in memory that holds these events; `add` stores more, `disk` is where a test damages it. */
export function logOf(events: readonly DomainEvent[]): LogReader & {
  add: (events: readonly DomainEvent[]) => Promise<void>;
  disk: MemoryDisk;
} {
  const disk = memoryDisk();
  const store = memoryStore({ name: 'validator', source: SOURCE }, disk);
  let head = EMPTY;
  const add = async (more: readonly DomainEvent[]): Promise<void> => {
    const batch = recordAll(more, head);
    const messages = batch.payloads.map((payload) => ({ subject: 'validator.test', payload }));
    await store.publish(messages, head.size);
    head = batch.head;
  };
  const first = recordAll(events);
  head = first.head;
  disk.messages.push(...first.payloads.map((payload) => ({ subject: 'validator.test', payload })));
  return { ...logReader(store), add, disk };
}

/** Stores the event before this one in its place: a log that is broken at `index`. */
export function repeat(disk: MemoryDisk, index: number): void {
  disk.messages.splice(index, 1, ...disk.messages.slice(index - 1, index));
}

/** What a projector makes of the events: its queries, over a database in memory. */
export async function project(
  projector: Projector,
  events: readonly DomainEvent[],
): Promise<{ queries: Queries } & AsyncDisposable> {
  const projection = await openProjection(projector, { dir: IN_MEMORY, source: SOURCE });
  await projection.apply(recordAll(events));
  return projection;
}

/** Pieces of a batch, cut behind the given positions. */
export function cut(batch: ReadBatch, positions: readonly number[]): readonly ReadBatch[] {
  const ends = [...positions, batch.events.length];
  return ends.flatMap((end, index) => {
    const start = ends[index - 1] ?? 0;
    const events: readonly Recorded[] = batch.events.slice(start, end);
    const last = events.at(-1);
    if (last === undefined) return [];
    const head = { size: last.n + 1, hash: last.hash };
    return [{ events, payloads: batch.payloads.slice(start, end), head }];
  });
}

/** A small event, different for each index. */
export function scoreRecorded(index: number, run = 'run-1'): DomainEvent {
  return {
    type: 'score.recorded.v1',
    data: {
      family: 'general_chat',
      run,
      task: `task-${index}`,
      miner: hotkey('a'),
      status: 'scored',
      score: index,
      basis: 'final',
      evidence: digest('e'),
    },
  };
}

export function scoresRecorded(count: number): readonly DomainEvent[] {
  return Array.from({ length: count }, (_, index) => scoreRecorded(index));
}

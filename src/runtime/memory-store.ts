import { AppError } from '../errors.ts';
import { MAX_APPEND_EVENTS } from '../events/log.ts';
import type { LogName } from '../events/subjects.ts';
import type { LogStore, Message } from './log-store.ts';

/** What several stores of one log share, as several clients share a server. */
export type MemoryDisk = { messages: Message[]; readonly stored: EventTarget };

export function memoryDisk(): MemoryDisk {
  return { messages: [], stored: new EventTarget() };
}

/** A log's store in memory, with the fencing and the all-or-nothing batches of JetStream. */
export function memoryStore(
  { name, source }: { name: LogName; source: string },
  disk: MemoryDisk = memoryDisk(),
): LogStore {
  return {
    name,
    source,
    size: async () => disk.messages.length,
    publish: async (messages, expectedSize) => {
      if (messages.length > MAX_APPEND_EVENTS) {
        throw new AppError('append.too-large', {
          events: messages.length,
          expected: `at most ${MAX_APPEND_EVENTS}`,
        });
      }
      if (disk.messages.length !== expectedSize) {
        return { kind: 'conflict', found: `${disk.messages.length} events` };
      }
      disk.messages.push(...messages);
      disk.stored.dispatchEvent(new Event('stored'));
      return { kind: 'stored' };
    },
    fetch: async (from, limit) => payloadsOf(disk, from, limit),
    follow: (from, signal) => followDisk(disk, from, signal),
  };
}

/** Small enough that a test with some hundred events sees several batches. */
const BATCH_EVENTS = 100;

async function* followDisk(
  disk: MemoryDisk,
  from: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly Uint8Array[]> {
  for (let at = from; !signal?.aborted; ) {
    const payloads = payloadsOf(disk, at, BATCH_EVENTS);
    at += payloads.length;
    if (payloads.length > 0) yield payloads;
    else await stored(disk, signal);
  }
}

function payloadsOf(disk: MemoryDisk, from: number, limit: number): readonly Uint8Array[] {
  return disk.messages.slice(from, from + limit).map(({ payload }) => payload);
}

/** Settles when something is stored, or when the signal is aborted. */
function stored(disk: MemoryDisk, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const settle = (): void => {
    disk.stored.removeEventListener('stored', settle);
    signal?.removeEventListener('abort', settle);
    resolve();
  };
  disk.stored.addEventListener('stored', settle);
  signal?.addEventListener('abort', settle);
  if (signal?.aborted) settle();
  return promise;
}

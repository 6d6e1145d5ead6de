import { AppError } from '#src/errors.ts';
import type { LogStore, Message } from '#src/runtime/log-store.ts';
import type { MemoryDisk } from '#src/runtime/memory-store.ts';

/**
 * What happens to one publish: nothing; it fails before, or after, it was stored; it is stored only
 * when the next publish arrives, as from a network that had kept it; or the process dies with it,
 * before or after it was stored, and never speaks to the store again.
 */
export type Fault = 'none' | 'before' | 'after' | 'late' | 'killed-before' | 'killed-after';

/** The store, with the next fault in turn for each publish. */
export function simStore(store: LogStore, nextFault: () => Fault): LogStore {
  let killed = false;
  let late: (() => Promise<unknown>) | undefined;
  const alive = <Args extends readonly unknown[], T>(call: (...args: Args) => Promise<T>) => {
    return async (...args: Args): Promise<T> => {
      if (killed) throw unavailable('a process that was killed');
      return call(...args);
    };
  };
  const publish: LogStore['publish'] = async (messages, expectedSize) => {
    await late?.();
    late = undefined;
    const fault = nextFault();
    if (fault === 'none') return store.publish(messages, expectedSize);
    if (fault === 'late') late = () => store.publish(messages, expectedSize);
    if (fault === 'after' || fault === 'killed-after') await store.publish(messages, expectedSize);
    killed = fault === 'killed-before' || fault === 'killed-after';
    throw unavailable(fault);
  };
  return { ...store, size: alive(store.size), fetch: alive(store.fetch), publish: alive(publish) };
}

/** One way in which stored messages go bad; an index beyond the end is taken from the start again. */
export type Damage = Readonly<{ kind: 'flip' | 'drop' | 'repeat' | 'swap'; index: number }>;

/** Damages what is stored, as a bad disk or a dishonest operator would. */
export function damage(disk: MemoryDisk, { kind, index }: Damage): void {
  const { messages } = disk;
  const at = index % messages.length;
  const message = messages[at];
  const next = messages[(at + 1) % messages.length];
  if (message === undefined || next === undefined) throw new Error('nothing is stored yet');
  if (kind === 'flip') messages[at] = flipBit(message, 0, 1);
  if (kind === 'drop') messages.splice(at, 1);
  if (kind === 'repeat') messages.splice(at, 0, message);
  if (kind === 'swap') messages.splice(at, 2, next, message);
}

/** The message with one byte changed by `mask`. */
export function flipBit({ subject, payload }: Message, offset: number, mask: number): Message {
  const altered = Uint8Array.from(payload);
  altered[offset] = (altered[offset] ?? 0) ^ mask;
  return { subject, payload: altered };
}

/** Waits nothing: simulated outages need no patience. */
export async function noWait(_ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
}

function unavailable(found: string): AppError {
  return new AppError('log.unavailable', { found });
}

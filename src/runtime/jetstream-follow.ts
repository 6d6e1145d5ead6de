import type { NatsConnection, Subscription } from 'nats';
import { allSubjects, type LogName } from '../events/subjects.ts';
import { type RetryDeps, whileUnavailable } from './retry.ts';

/** Notices can get lost with a connection; one question a second then costs nobody anything. */
const POLL_MS = 1_000;

/** Another client's notice comes before its event is stored, so look again soon, then ever later. */
const FIRST_LOOK_MS = 1;

/** Signs that a log may have grown: reasons to look, never facts. */
export type Notices = Readonly<{
  /** How many there were. */
  count: () => number;
  give: () => void;
  /** Has the next message that any client publishes under the log's subjects give a notice. */
  listen: () => void;
  /** Settles when there are more than `count`, after `ms` milliseconds, or when the signal is aborted. */
  more: (count: number, ms: number, signal?: AbortSignal) => Promise<void>;
}>;

/**
 * Notices for one log over one connection. Where the permissions forbid to subscribe to the log's
 * subjects, there are only those of a writer over the same connection.
 */
export function makeNotices(nc: NatsConnection, name: LogName): Notices {
  const given = new EventTarget();
  let count = 0;
  let forbidden = false;
  let subscription: Subscription | undefined;
  const give = (): void => {
    count++;
    given.dispatchEvent(new Event('given'));
  };
  const listen = (): void => {
    const listening = subscription !== undefined && !subscription.isClosed();
    if (listening || forbidden || nc.isClosed()) return;
    // One message is enough: who is behind shall not be sent everything twice.
    subscription = nc.subscribe(allSubjects(name), {
      max: 1,
      callback: (refusal) => {
        if (refusal === null) give();
        else forbidden = true;
      },
    });
  };
  const more: Notices['more'] = async (seen, ms, signal) => {
    if (count > seen || signal?.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const settle = (): void => resolve();
    const timer = setTimeout(settle, ms);
    given.addEventListener('given', settle);
    signal?.addEventListener('abort', settle);
    await promise;
    clearTimeout(timer);
    given.removeEventListener('given', settle);
    signal?.removeEventListener('abort', settle);
  };
  return { count: () => count, give, listen, more };
}

/**
 * Batches from `fetch`, from position `from` on, until the signal ends it. At the end of the log it
 * looks again at every notice, and once a second.
 */
export async function* followFrom(
  from: number,
  fetch: (from: number) => Promise<readonly Uint8Array[]>,
  notices: Notices,
  deps: RetryDeps,
): AsyncGenerator<readonly Uint8Array[]> {
  const { signal } = deps;
  let lookAfterMs = FIRST_LOOK_MS;
  for (let at = from; !signal?.aborted; ) {
    // Count and listen before looking: what is stored after the look gives a notice.
    const seen = notices.count();
    notices.listen();
    const payloads = await whileUnavailable(() => fetch(at), deps);
    if (payloads.length > 0) {
      at += payloads.length;
      // More may be under way, and its notice was spent on this batch.
      lookAfterMs = FIRST_LOOK_MS;
      yield payloads;
    } else {
      await notices.more(seen, lookAfterMs, signal);
      const noticed = notices.count() > seen;
      lookAfterMs = noticed ? FIRST_LOOK_MS : Math.min(2 * lookAfterMs, POLL_MS);
    }
  }
}

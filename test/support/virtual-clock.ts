import { setImmediate as turn } from 'node:timers/promises';

/** A clock that moves only when everything that can happen at its time has happened. */
export type VirtualClock = Readonly<{
  now: () => number;
  wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Lives through that many milliseconds, one waiting after the other. */
  pass: (ms: number) => Promise<void>;
}>;

export function virtualClock(start = 0): VirtualClock {
  let now = start;
  const waiting = new Set<{ at: number; wake: () => void }>();
  const next = () => [...waiting].toSorted((a, b) => a.at - b.at)[0];
  return {
    now: () => now,
    wait: async (ms, signal) => {
      if (signal.aborted) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const wake = (): void => resolve();
      const entry = { at: now + ms, wake };
      signal.addEventListener('abort', wake, { once: true });
      waiting.add(entry);
      await promise;
      signal.removeEventListener('abort', wake);
      waiting.delete(entry);
    },
    pass: async (ms) => {
      const until = now + ms;
      await turn();
      for (let entry = next(); entry !== undefined && entry.at <= until; entry = next()) {
        now = Math.max(now, entry.at);
        waiting.delete(entry);
        entry.wake();
        await turn();
      }
      now = until;
    },
  };
}

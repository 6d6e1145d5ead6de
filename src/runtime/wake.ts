import { wait } from './clock.ts';

/** However often it is woken, a loop rests so long: what comes together is done together. */
const REST_MS = 500;

/** A pause that may be ended early: by somebody who has news, or by the end of everything. */
export type Wake = Readonly<{
  /** Ends the pause that is under way, or else the next one. */
  wake: () => void;
  /** Waits so long, or until it is woken. */
  pause: (ms: number) => Promise<void>;
}>;

/** A pause for one loop, which the signal ends for good. */
export function createWake(signal: AbortSignal): Wake {
  let news = new AbortController();
  return {
    wake: () => news.abort(),
    pause: async (ms) => {
      await wait(Math.min(ms, REST_MS), signal);
      const woken = AbortSignal.any([signal, news.signal]);
      if (!woken.aborted) await wait(Math.max(0, ms - REST_MS), woken);
      if (news.signal.aborted) news = new AbortController();
    },
  };
}

import type { Refused } from './peer-outcome.ts';

/** The one end of a fetch: whichever of timer, caller and disposal cuts first names the refusal, the others are void. */
export type Cutoff = Disposable & {
  cut(refusal: Refused): void;
  refusal(): Refused | null;
  /** Calls `listener` once when the fetch is cut, at once if it already is; the result takes the listener back. */
  onCut(listener: (refusal: Refused) => void): () => void;
  /** Cuts the fetch after `timeoutMs`; the result stops the timer. */
  cutAfter(timeoutMs: number, refusal: Refused): () => void;
  /** Calls `check` every `periodMs` until the fetch is over. */
  every(periodMs: number, check: () => void): void;
};

export function openCutoff(): Cutoff {
  const listeners = new Set<(refusal: Refused) => void>();
  const timers = new Set<NodeJS.Timeout>();
  let over = false;
  let cause: Refused | null = null;

  function end(): void {
    over = true;
    for (const timer of timers) clearTimeout(timer); // also stops an interval
    timers.clear();
    listeners.clear();
  }

  function cut(refusal: Refused): void {
    if (over) return;
    cause = refusal;
    const notified = [...listeners];
    end();
    for (const listener of notified) listener(refusal);
  }

  function track(timer: NodeJS.Timeout): () => void {
    timers.add(timer);
    return () => {
      clearTimeout(timer);
      timers.delete(timer);
    };
  }

  return {
    cut,
    refusal: () => cause,
    onCut(listener) {
      if (cause !== null) listener(cause);
      else if (!over) listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    cutAfter(timeoutMs, refusal) {
      let stopped = over;
      const stop = over
        ? () => {}
        : track(setTimeout(() => afterPoll(() => stopped || cut(refusal)), timeoutMs));
      return () => {
        stopped = true;
        stop();
      };
    },
    every(periodMs, check) {
      if (!over) track(setInterval(() => afterPoll(() => over || check()), periodMs));
    },
    [Symbol.dispose]: end,
  };
}

/**
 * Timers run before sockets are read. When this process was busy, a timer is due although the peer's bytes lie in the
 * socket; one pass over the sockets first keeps our own delay from being blamed on the peer.
 */
function afterPoll(action: () => void): void {
  setImmediate(action);
}

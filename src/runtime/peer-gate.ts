import type { Cutoff } from './peer-cutoff.ts';
import { type Refused, refused } from './peer-outcome.ts';

export type GateLimits = {
  readonly perPeerConcurrency: number;
  readonly perPeerWaiting: number;
  readonly totalConcurrency: number;
  readonly totalWaiting: number;
};

export type Gate = {
  /** Waits for a place for this peer; null once it is held, a refusal if the queue is full or the fetch was cut. */
  enter(key: string, cutoff: Cutoff): Promise<Refused | null>;
  /** Gives a place back. Whoever entered leaves exactly once. */
  leave(key: string): void;
};

type Waiter = { readonly key: string; readonly admit: () => void };

/** Bounds what is in flight and what waits, per peer and in all, first come first served within a peer. */
export function createGate(limits: GateLimits): Gate {
  const inFlight = new Map<string, number>();
  const waiting: Waiter[] = [];
  let total = 0;

  function hasRoom(key: string): boolean {
    return total < limits.totalConcurrency && (inFlight.get(key) ?? 0) < limits.perPeerConcurrency;
  }

  function take(key: string): void {
    total += 1;
    inFlight.set(key, (inFlight.get(key) ?? 0) + 1);
  }

  function queueIsFull(key: string): boolean {
    return (
      waiting.length >= limits.totalWaiting ||
      waiting.filter((waiter) => waiter.key === key).length >= limits.perPeerWaiting
    );
  }

  function wait(key: string, cutoff: Cutoff): Promise<Refused | null> {
    return new Promise((resolve) => {
      const waiter: Waiter = {
        key,
        admit() {
          forget();
          take(key);
          resolve(null);
        },
      };
      const forget = cutoff.onCut((refusal) => {
        waiting.splice(waiting.indexOf(waiter), 1);
        resolve(refusal);
      });
      waiting.push(waiter);
    });
  }

  return {
    async enter(key, cutoff) {
      const cut = cutoff.refusal();
      if (cut !== null) return cut;
      // Every place that comes free goes to a waiter, so room here means that nobody waits for this peer.
      if (hasRoom(key)) {
        take(key);
        return null;
      }
      if (queueIsFull(key)) return refused('peer-busy', `${waiting.length} fetches wait already`);
      return wait(key, cutoff);
    },
    leave(key) {
      total -= 1;
      const rest = (inFlight.get(key) ?? 0) - 1;
      if (rest > 0) inFlight.set(key, rest);
      else inFlight.delete(key);
      const next = waiting.findIndex((waiter) => hasRoom(waiter.key));
      if (next >= 0) waiting.splice(next, 1)[0]?.admit();
    },
  };
}

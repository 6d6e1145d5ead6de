import { holderOf } from '../../evaluation/job-name.ts';

/** So many at once, and so many more of one miner that wait for their turn. */
export type Turns = Readonly<{ running: number; waiting: number }>;

/** Runs the work when its turn comes; null, and nothing is run, when too much of the same miner waits. */
export type TakeTurn = <T>(job: string, work: () => Promise<T>) => Promise<T | null>;

/** What a miner used counts half as much after so long. */
const HALF_LIFE_MS = 60_000;

/** Miners that are remembered: many times what a validator asks at once. */
const MAX_HOLDERS = 4_096;

type Holder = {
  running: number;
  readonly waiting: (() => void)[];
  /** Milliseconds of places that it had, as of `atMs`. */
  usedMs: number;
  atMs: number;
};

/**
 * A gate before work that uses a whole processor: more of it at once would only make each slower. Places are shared out
 * between miners: none has more than half of them, and a free one goes to whoever has fewest of them and, among those,
 * used least of late. Of one miner first come first served.
 */
export function createTurns({ running, waiting }: Turns, nowMs: () => number): TakeTurn {
  const share = Math.ceil(running / 2);
  const holders = new Map<string, Holder>();
  let busy = 0;

  function holderFor(job: string): Holder {
    const name = holderOf(job);
    const holder = holders.get(name) ?? { running: 0, waiting: [], usedMs: 0, atMs: nowMs() };
    holders.delete(name);
    holders.set(name, holder);
    for (const [other, { running, waiting }] of holders)
      if (holders.size > MAX_HOLDERS && running + waiting.length === 0) holders.delete(other);
    return holder;
  }

  /** Gives free places to those who wait, while there are both. */
  function admit(): void {
    while (busy < running) {
      const next = [...holders.values()]
        .filter((each) => each.waiting.length > 0 && each.running < share)
        .reduce<Holder | null>(
          (best, each) => (best === null || isBefore(each, best) ? each : best),
          null,
        );
      const begin = next?.waiting.shift();
      if (next === null || begin === undefined) return;
      next.running += 1;
      busy += 1;
      begin();
    }
  }

  function isBefore(one: Holder, other: Holder): boolean {
    if (one.running !== other.running) return one.running < other.running;
    return used(one, nowMs()) < used(other, nowMs());
  }

  return async (job, work) => {
    const holder = holderFor(job);
    const mayRun = busy < running && holder.running < share;
    if (!mayRun && holder.waiting.length >= waiting) return null;
    const turn = Promise.withResolvers<void>();
    holder.waiting.push(turn.resolve);
    admit();
    await turn.promise;
    const begunMs = nowMs();
    try {
      return await work();
    } finally {
      const endedMs = nowMs();
      holder.usedMs = used(holder, endedMs) + endedMs - begunMs;
      holder.atMs = endedMs;
      holder.running -= 1;
      busy -= 1;
      admit();
    }
  };
}

function used({ usedMs, atMs }: Holder, nowMs: number): number {
  return usedMs * 2 ** ((atMs - nowMs) / HALF_LIFE_MS);
}

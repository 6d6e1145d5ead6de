/** So many at once, and so many more that wait for their turn. */
export type Turns = Readonly<{ running: number; waiting: number }>;

/** Runs the work when its turn comes, first come first served; null, and nothing is run, when too many wait. */
export type TakeTurn = <T>(work: () => Promise<T>) => Promise<T | null>;

/** A gate before work that uses a whole processor: more of it at once would only make each slower. */
export function createTurns({ running, waiting }: Turns): TakeTurn {
  const queue: (() => void)[] = [];
  let busy = 0;
  return async (work) => {
    if (busy >= running && queue.length >= waiting) return null;
    if (busy >= running) await new Promise<void>((resolve) => queue.push(resolve));
    else busy += 1;
    try {
      return await work();
    } finally {
      // Whoever waits takes over the place: it never counts as free in between.
      const next = queue.shift();
      if (next === undefined) busy -= 1;
      else next();
    }
  };
}

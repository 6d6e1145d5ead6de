/** The turns at one thread, and what goes before them. */
export type Turns = Readonly<{
  /**
   * Resolves when it is the caller's turn. Each begins in a pass of the event loop of its own, so that whatever came in
   * is looked at between two. Who has more to do than a few milliseconds takes as many turns as it needs.
   */
  turn: () => Promise<void>;
  /** Does something during which no turn begins, for a moment: what is short does not wait for what is long. */
  first: <T>(task: () => Promise<T>) => Promise<T>;
}>;

/** The longest that a turn is held back: whoever writes has to come on under any number of readers. */
const MAX_HELD_MS = 10;

/** Turns in the order in which they are asked for. */
export function takeTurns(): Turns {
  let last = Promise.resolve();
  let urgent = 0;
  let free = Promise.withResolvers<void>();
  const begin = async (): Promise<void> => {
    await new Promise((resolve) => void setImmediate(resolve));
    if (urgent === 0) return;
    free = Promise.withResolvers();
    const timer = setTimeout(free.resolve, MAX_HELD_MS);
    await free.promise;
    clearTimeout(timer);
  };
  return {
    turn: () => {
      last = last.then(begin);
      return last;
    },
    first: async (task) => {
      urgent++;
      try {
        return await task();
      } finally {
        urgent--;
        if (urgent === 0) free.resolve();
      }
    },
  };
}

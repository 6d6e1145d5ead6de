/**
 * Turns at the one thread of a process, in the order in which they were asked for: each begins in a pass of the event
 * loop of its own, so that whatever came in is looked at between two. Who has more to do than a few milliseconds takes
 * as many turns as it needs.
 */
export function takeTurns(): () => Promise<void> {
  let last = Promise.resolve();
  return () => {
    last = last.then(() => new Promise((resolve) => void setImmediate(resolve)));
    return last;
  };
}

import type { Response } from 'express';

/**
 * Large answers that may be under way at once. Each holds up to some 3 MiB until its client has read
 * it, so this bounds what slow readers can make the process hold to about 100 MiB.
 */
export const MAX_BULK_ANSWERS = 32;

export type BulkGate = Readonly<{
  /** Counts the answer until its connection is done with it; false when as many as allowed are under way. */
  enter: (res: Response) => boolean;
}>;

/** A bound on large answers under way. */
export function createBulkGate(max = MAX_BULK_ANSWERS): BulkGate {
  let underWay = 0;
  return {
    enter: (res) => {
      if (underWay >= max) return false;
      underWay += 1;
      res.once('close', () => {
        underWay -= 1;
      });
      return true;
    },
  };
}

import type { Response } from 'express';

/**
 * Bytes of large answers that may be under way at once. An answer is held until its client has read it,
 * so this bounds what slow readers can make the process hold.
 */
export const MAX_BULK_BYTES = 96 * 1024 * 1024;

/** How long a large answer may take: what a slow link needs to begin, and for its bytes at 64 KiB/s. */
const GRACE_MS = 10_000;
const MIN_BYTES_PER_SECOND = 65_536;

export type BulkGate = Readonly<{
  /**
   * Counts an answer of so many bytes until its connection is done with it; false when as much as allowed
   * is under way. A client that is slower than it may be is disconnected, so its place is not lost.
   */
  enter: (res: Response, bytes: number) => boolean;
}>;

/** A bound on large answers under way. */
export function createBulkGate(
  { maxBytes, graceMs } = { maxBytes: MAX_BULK_BYTES, graceMs: GRACE_MS },
): BulkGate {
  let underWay = 0;
  return {
    enter: (res, bytes) => {
      if (underWay + bytes > maxBytes) return false;
      underWay += bytes;
      const limitMs = graceMs + (bytes / MIN_BYTES_PER_SECOND) * 1_000;
      const timer = setTimeout(() => res.destroy(), limitMs);
      res.once('close', () => {
        clearTimeout(timer);
        underWay -= bytes;
      });
      return true;
    },
  };
}

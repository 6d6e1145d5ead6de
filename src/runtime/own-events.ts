import type { Head, Recorded } from '../events/envelope.ts';
import { leafHash } from '../events/hash.ts';

/** What a writer appended last: whoever follows its log in the same process need not decode it again. */
export type OwnEvents = Readonly<{
  /** Keeps what was just stored behind `after`; `bytes` is the size of all of it. */
  keep: (events: readonly Recorded[], after: Head, bytes: number) => void;
  /**
   * The event that these bytes are, where they are the very ones that were stored behind `head`: whose hash is the
   * same has been checked when it was made. Undefined where that is not known; then the bytes have to be read.
   */
  recall: (payload: Uint8Array, head: Head) => Recorded | undefined;
}>;

/** Two seconds of the most that a service writes. */
const MAX_KEPT_EVENTS = 10_000;

/** As many of an ordinary size. */
const MAX_KEPT_BYTES = 8 * 1024 * 1024;

/** Keeps the newest events of one writer, so many and of so many bytes at most. */
export function ownEvents(): OwnEvents {
  const kept = new Map<number, Readonly<{ prev: string; recorded: Recorded; bytes: number }>>();
  let total = 0;
  const forgetOldest = (): void => {
    for (const [n, { bytes }] of kept) {
      if (kept.size <= MAX_KEPT_EVENTS && total <= MAX_KEPT_BYTES) break;
      kept.delete(n);
      total -= bytes;
    }
  };
  return {
    keep: (events, after, bytes) => {
      let prev = after.hash;
      const each = Math.ceil(bytes / Math.max(1, events.length));
      for (const recorded of events) {
        kept.set(recorded.n, { prev, recorded, bytes: each });
        prev = recorded.hash;
        total += each;
      }
      forgetOldest();
    },
    recall: (payload, head) => {
      const own = kept.get(head.size);
      const same =
        own !== undefined && own.prev === head.hash && own.recorded.hash === leafHash(payload);
      return same ? own.recorded : undefined;
    },
  };
}

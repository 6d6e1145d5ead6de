import { holderOf } from '../../evaluation/job-name.ts';

/** Things of jobs under their names, within a size that all miners have together. */
type FairShelf<T> = Readonly<{
  /** The thing, which then was used last; null where there is none. */
  take: (job: string, name: string) => T | null;
  put: (job: string, name: string, thing: T, size: number) => void;
  /** Forgets what was not used since. */
  forgetBefore: (atMs: number) => void;
}>;

type Kept<T> = Readonly<{ thing: T; size: number; usedMs: number; holder: string }>;

/**
 * Keeps what jobs leave behind, up to a size in all. When it is too much, whoever has most loses what he did not use for
 * longest: who fills the shelf pushes nobody else's things off it.
 */
export function createFairShelf<T>(maxSize: number, nowMs: () => number): FairShelf<T> {
  /** In the order of their last use. */
  const things = new Map<string, Kept<T>>();
  const sizes = new Map<string, number>();
  let total = 0;

  function forget(key: string): void {
    const kept = things.get(key);
    if (kept === undefined) return;
    things.delete(key);
    total -= kept.size;
    const left = (sizes.get(kept.holder) ?? 0) - kept.size;
    if (left > 0) sizes.set(kept.holder, left);
    else sizes.delete(kept.holder);
  }

  function forgetOldestOf(holder: string): void {
    for (const [key, kept] of things) if (kept.holder === holder) return forget(key);
  }

  function makeRoom(): void {
    while (total > maxSize) {
      const [largest] = [...sizes].reduce((one, other) => (other[1] > one[1] ? other : one));
      forgetOldestOf(largest);
    }
  }

  function put(job: string, name: string, thing: T, size: number): void {
    const key = keyOf(job, name);
    forget(key);
    const holder = holderOf(job);
    things.set(key, { thing, size, usedMs: nowMs(), holder });
    total += size;
    sizes.set(holder, (sizes.get(holder) ?? 0) + size);
    makeRoom();
  }

  return {
    take: (job, name) => {
      const kept = things.get(keyOf(job, name));
      if (kept === undefined) return null;
      put(job, name, kept.thing, kept.size);
      return kept.thing;
    },
    put,
    forgetBefore: (atMs) => {
      for (const [key, { usedMs }] of things) {
        if (usedMs > atMs) return;
        forget(key);
      }
    },
  };
}

/** A job's id holds no line end. */
function keyOf(job: string, name: string): string {
  return `${job}\n${name}`;
}

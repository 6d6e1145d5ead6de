/** What was last signed for a log: the exact note and what it says. */
export type Locked = Readonly<{
  source: string;
  size: number;
  /** 64 hex digits. */
  root: string;
  /** The signed note. */
  note: string;
  /** RFC 3339 UTC: when it was signed. A clock that is behind it must not sign. */
  time: string;
}>;

/**
 * The last signed checkpoint of each log, on another disk than the log. It moves by compare-and-swap, so
 * that of two writers with the same state one at most goes on.
 */
export type Lock = Readonly<{
  /** The logs that were begun here. */
  sources: () => Promise<readonly string[]>;
  /** Null where the log was never begun here. */
  read: (source: string) => Promise<Locked | null>;
  /** Begins a log. `exists` when it was begun before. */
  begin: (first: Locked) => Promise<'begun' | 'exists'>;
  /** Durable when it resolves. `stale`: what is locked is not `from`, so another writer went on. */
  advance: (from: Locked, to: Locked) => Promise<'advanced' | 'stale'>;
}>;

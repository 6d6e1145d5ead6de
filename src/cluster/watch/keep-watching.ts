import type { ObjectCache, Watched } from './object-cache.ts';

/** One line of a watch, as the server sent it. */
export type WatchEvent<T extends Watched> =
  | Readonly<{ type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; object: T }>
  | Readonly<{ type: 'ERROR'; code: number; message: string }>;

/** Where objects of one kind are heard of. Both throw what the way there throws. */
export type WatchSource<T extends Watched> = Readonly<{
  /** All that there is, and the version that this was true at. */
  list: () => Promise<Readonly<{ items: readonly T[]; version: string }>>;
  /**
   * What happened after that version; ends when the server ends it. Throws for a server that is silent, or does not
   * answer, or sends what is no event; a version that it does not remember any more is the event ERROR with code 410.
   */
  watch: (
    version: string,
    by: Readonly<{ signal: AbortSignal; onOpen: () => void }>,
  ) => AsyncIterable<WatchEvent<T>>;
}>;

export type WatchDeps = Readonly<{
  /** Milliseconds that only go forward. */
  now: () => number;
  /** Waits; an abort of the signal ends it early, without an error. */
  wait: (ms: number) => Promise<void>;
  /** From 0 to 1, without 1. */
  random: () => number;
  signal: AbortSignal;
  /** Something was heard, or will be when it happens: what is held is the truth of a moment ago. */
  onHeard: () => void;
  onTrouble: (detail: string) => void;
}>;

/** However well the watch goes: what was missed by whatever fault is seen after so long. */
const RELIST_MS = 600_000;

/** Between two tries: longer each time, and never alike for all validators of a cluster. */
const BACKOFF_FIRST_MS = 1_000;
const BACKOFF_LAST_MS = 30_000;

/** A watch that ends sooner is no good one, however it ends: without a pause it would be begun hundreds of times a second. */
const SHORT_WATCH_MS = 2_000;

/** What fails so often from where it stopped is begun from a list. */
const TRIES_FROM_VERSION = 3;

const GONE = 410;

/**
 * Keeps a cache true until the signal aborts: lists, then follows what happens from there, again and again. It takes up
 * where it stopped when a watch ends; it lists anew when the server has forgotten that place, when that fails again and
 * again, and from time to time. Nothing that a server does ends it.
 */
export async function keepWatching<T extends Watched>(
  source: WatchSource<T>,
  cache: ObjectCache<T>,
  deps: WatchDeps,
): Promise<void> {
  const place: Place = { version: null };
  let failures = 0;
  let relistAt = 0;
  while (!deps.signal.aborted) {
    let trouble: string | null;
    try {
      if (place.version === null || deps.now() >= relistAt) {
        const { items, version } = await source.list();
        cache.replace(items);
        place.version = version;
        relistAt = deps.now() + RELIST_MS * (0.9 + 0.2 * deps.random());
        deps.onHeard();
      }
      trouble = await follow(source, place.version, cache, place, deps);
    } catch (error) {
      trouble = error instanceof Error ? causeOf(error) : 'an unknown fault';
    }
    failures = trouble === null ? 0 : failures + 1;
    if (trouble === null || deps.signal.aborted) continue;
    deps.onTrouble(trouble);
    if (failures % TRIES_FROM_VERSION === 0) place.version = null;
    const longest = Math.min(BACKOFF_LAST_MS, BACKOFF_FIRST_MS * 2 ** Math.min(failures - 1, 16));
    await deps.wait(longest * (0.5 + 0.5 * deps.random()));
  }
}

/** The version up to which everything was heard; null before a list. */
type Place = { version: string | null };

/** Follows one watch to its end; why it was no good one, or null. */
async function follow<T extends Watched>(
  source: WatchSource<T>,
  from: string,
  cache: ObjectCache<T>,
  place: Place,
  deps: WatchDeps,
): Promise<string | null> {
  const begun = deps.now();
  const { signal, onHeard } = deps;
  for await (const event of source.watch(from, { signal, onOpen: onHeard })) {
    if (event.type === 'ERROR') {
      if (event.code === GONE) place.version = null;
      return `${event.code} ${event.message}`;
    }
    onHeard();
    const version = event.object.metadata?.resourceVersion ?? '';
    if (!isLater(version, place.version)) continue;
    if (event.type === 'DELETED') cache.drop(event.object);
    else if (event.type !== 'BOOKMARK') cache.put(event.object);
    place.version = version;
  }
  return deps.now() - begun < SHORT_WATCH_MS ? 'the watch ended as soon as it began' : null;
}

/** Events come in the order of their versions, which are numbers: what is not later was heard before. */
function isLater(version: string, than: string | null): boolean {
  const are = /^\d+$/.test(version) && /^\d+$/.test(than ?? '');
  return are ? BigInt(version) > BigInt(than ?? '') : version !== than;
}

/** What is at the bottom of a failure: a code of the system where there is one. */
function causeOf(error: Error): string {
  if (error.cause instanceof Error) return causeOf(error.cause);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

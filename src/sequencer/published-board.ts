import type { SizedRoot } from './sized-root.ts';

/** A checkpoint as it is published: the signed note, with the cosignatures that it has. */
export type PublishedNote = SizedRoot & Readonly<{ note: Uint8Array }>;

/** What of a log is published, for those who wait for more of it. */
export type PublishedBoard = Readonly<{
  published: () => PublishedNote | null;
  /** The first one with at least `size` events. Throws the signal's reason, or why none will come. */
  covering: (size: number, signal: AbortSignal) => Promise<PublishedNote>;
  show: (published: PublishedNote) => void;
  /** No more will be published: whoever waits, or will, hears why. */
  end: (reason: unknown) => void;
}>;

/** A board that shows this one at first; null before anything is published. */
export function publishedBoard(first: PublishedNote | null): PublishedBoard {
  let newest = first;
  let ended: { reason: unknown } | null = null;
  const changed = new EventTarget();
  const next = (signal: AbortSignal): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const settle = (): void => {
      changed.removeEventListener('changed', settle);
      signal.removeEventListener('abort', settle);
      resolve();
    };
    changed.addEventListener('changed', settle);
    signal.addEventListener('abort', settle);
    return promise;
  };
  return {
    published: () => newest,
    covering: async (size, signal) => {
      for (;;) {
        if (newest !== null && newest.size >= size) return newest;
        if (ended !== null) throw ended.reason;
        signal.throwIfAborted();
        await next(signal);
      }
    },
    show: (published) => {
      newest = published;
      changed.dispatchEvent(new Event('changed'));
    },
    end: (reason) => {
      ended ??= { reason };
      changed.dispatchEvent(new Event('changed'));
    },
  };
}

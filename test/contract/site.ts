import type { LogStore } from '#src/runtime/log-store.ts';

/** A fresh, empty log for one test. */
export type Site = AsyncDisposable &
  Readonly<{
    /** A store of that log; each as of another client. */
    store: () => Promise<LogStore>;
  }>;

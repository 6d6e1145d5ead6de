import type { LogStore } from './log-store.ts';
import { type RetryDeps, whileUnavailable } from './retry.ts';

/** The store, with a server that is away waited for: reads repeat until it answers, or the signal aborts. */
export function patientStore(store: LogStore, deps: RetryDeps): LogStore {
  return {
    ...store,
    size: () => whileUnavailable(() => store.size(), deps),
    fetch: (from, limit) => whileUnavailable(() => store.fetch(from, limit), deps),
  };
}

import type { Log } from '../events/log.ts';
import { headOf, logReader } from './log-reader.ts';
import type { LogStore } from './log-store.ts';
import { logWriter } from './log-writer.ts';
import type { RetryDeps } from './retry.ts';

/**
 * Opens a log as its one writer, behind its last event, which is verified; the events before it are
 * verified by whoever reads. Throws `log.unavailable`, or `log.broken` when the last event is unusable.
 * `deps.signal` closes the writer; `deps.onRetry` hears of every outage that is waited for.
 */
export async function openLog(store: LogStore, deps: RetryDeps = {}): Promise<Log> {
  const head = await headOf(store);
  return { ...logReader(store, deps), ...logWriter(store, head, deps) };
}

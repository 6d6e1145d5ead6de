import type { Recorded } from '../events/envelope.ts';
import type { Log } from '../events/log.ts';
import { runKeys } from '../events/run-key.ts';
import { expandFact } from '../events/unsealer.ts';
import { headOf, logReader } from './log-reader.ts';
import type { LogStore } from './log-store.ts';
import { logWriter } from './log-writer.ts';
import { ownEvents } from './own-events.ts';
import type { RetryDeps } from './retry.ts';

export type OpenLogDeps = RetryDeps & {
  /** The log's sealing secret, 32 bytes: what gives scores away is stored sealed under it, and read through it. */
  readonly secret?: Uint8Array | undefined;
};

/**
 * Opens a log as its one writer, behind its last event, which is verified; the events before it are
 * verified by whoever reads. Throws `log.unavailable`, or `log.broken` when the last event is unusable.
 * `deps.signal` closes the writer; `deps.onRetry` hears of every outage that is waited for.
 */
export async function openLog(
  store: LogStore,
  { secret, ...deps }: OpenLogDeps = {},
): Promise<Log> {
  const head = await headOf(store);
  const { keep, recall } = ownEvents();
  if (secret === undefined)
    return {
      ...logReader(store, { ...deps, recall }),
      ...logWriter(store, head, { ...deps, keep }),
    };
  const keys = runKeys(secret, store.source);
  const expand = (recorded: Recorded): Recorded => expandFact(recorded, keys);
  return {
    ...logReader(store, { ...deps, expand, recall }),
    ...logWriter(store, head, { ...deps, keys, keep }),
  };
}

import { statedSize } from '../../audit/log-name.ts';
import type { LogSource } from '../../audit/log-source.ts';
import { fetchLog } from '../../audit-page/fetch-log.ts';
import { logAddress } from '../../audit-page/log-address.ts';
import type { LogName } from '../../events/subjects.ts';
import { wait } from '../../runtime/clock.ts';
import type { Io } from '../command.ts';
import { openReader } from '../open-reader.ts';
import { directoryLog } from './directory-log.ts';
import { exportedLog } from './exported-log.ts';
import { streamLog } from './stream-log.ts';

/** How a log is named on the command line. */
export const LOG_HELP =
  'A log is the URL of a validator or of its log, a folder with the files of a published log, or the word stream:\nthe stream of EIREL_NATS_URL, which has no checkpoint, so that nothing says that it is whole.';

export type OpenLogSource = Readonly<{
  source: LogSource;
  /** How many events it states to hold. */
  size: number;
}> &
  AsyncDisposable;

/** Opens the log that is named. Throws `log.unavailable` and `file.unreadable`. */
export async function openLogSource(named: string, io: Io): Promise<OpenLogSource> {
  if (named === STREAM) return openStream(io, 'validator');
  const address = logAddress(named);
  const source =
    address === null
      ? await directoryLog(named)
      : fetchLog(address, { pause: (ms) => wait(ms, io.signal) });
  // One checkpoint for the whole audit: the log may grow meanwhile.
  const note = await source.checkpoint();
  return {
    source: { ...source, checkpoint: async () => note },
    size: statedSize(note) ?? 0,
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/**
 * Opens the events of a log that publishes no checkpoint: an exported file, or the word stream for that of
 * EIREL_NATS_URL. Throws `log.unavailable` and `file.unreadable`.
 */
export async function openEventsOf(log: LogName, named: string, io: Io): Promise<OpenLogSource> {
  if (named === STREAM) return openStream(io, log);
  return { source: exportedLog(named), size: 0, [Symbol.asyncDispose]: async () => undefined };
}

const STREAM = 'stream';

async function openStream(io: Io, log: LogName): Promise<OpenLogSource> {
  const reader = await openReader(io, { log, source: undefined });
  try {
    const size = await reader.store.size();
    const source = streamLog(reader.store, size);
    return { source, size, [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose]() };
  } catch (error) {
    await reader[Symbol.asyncDispose]();
    throw error;
  }
}

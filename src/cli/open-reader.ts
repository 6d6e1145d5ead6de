import { type Config, loadConfig } from '../config.ts';
import { AppError } from '../errors.ts';
import { decodeBytes, type Json } from '../events/ej1.ts';
import { Envelope, type Recorded } from '../events/envelope.ts';
import type { LogReader } from '../events/log.ts';
import { runKeys } from '../events/run-key.ts';
import { type LogName, logs } from '../events/subjects.ts';
import { expandIfOpened } from '../events/unsealer.ts';
import { jetStreamStore } from '../runtime/jetstream-store.ts';
import { logReader } from '../runtime/log-reader.ts';
import type { LogStore } from '../runtime/log-store.ts';
import { connectNats, natsLink } from '../runtime/nats-link.ts';
import { readSealSecret } from '../runtime/secret-files.ts';
import { type Command, type Input, type Io, type Option, usage } from './command.ts';
import { natsAddress } from './nats-address.ts';

/** Commands that read a log take this. */
export const SOURCE_OPTION: Option = {
  type: 'string',
  placeholder: 'name',
  help: 'the log that is expected; without it, the name in the first event is believed',
};

/** Commands that read any of the logs take this. */
export const LOG_OPTION: Option = {
  type: 'string',
  placeholder: 'name',
  help: `which log: ${logs.join(', ')}; without it, the validator's`,
};

/** The log that was asked for. Throws `usage.invalid`. */
export function readLogName(command: Command, input: Input): LogName {
  const value = input.value('log') ?? 'validator';
  const name = logs.find((log) => log === value);
  if (name !== undefined) return name;
  throw usage(command, { field: '--log', value, expected: logs.join(', ') });
}

export type OpenReader = Readonly<{
  config: Config;
  store: LogStore;
  log: LogReader;
}> &
  AsyncDisposable;

/**
 * Opens a log for reading, with the configured credential; the validator's with its sealing secret where that can be
 * read: then sealed facts are given as the events inside. Throws `log.unavailable`.
 * Without a source the log is named by its first event; `onEmpty` says what to do where there is none.
 */
export async function openReader(
  io: Io,
  { log: named, source }: Readonly<{ log: LogName; source: string | undefined }>,
  onEmpty: (store: LogStore) => Promise<string> = refuseEmpty,
): Promise<OpenReader> {
  const config = loadConfig(io.env);
  const address = await natsAddress(config, 'eirel cli');
  const nc = await connectNats(address);
  const close = (): Promise<void> => nc.close();
  try {
    const link = natsLink(nc, address.inboxPrefix);
    const nameless = jetStreamStore(link, { name: named, source: '' });
    await nameless.size(); // a stream that was never created is told so here, by its name
    const name = source ?? (await sourceOf(nameless)) ?? (await onEmpty(nameless));
    const store = jetStreamStore(link, { name: named, source: name });
    const secret = named === 'validator' ? await readSealSecret(config.EIREL_SIGNING_DIR) : null;
    return {
      config,
      store,
      log: logReader(store, secret === null ? {} : { expand: expansion(secret, name) }),
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The secret may be another log's, so what it does not open is shown sealed. */
function expansion(secret: Uint8Array, source: string): (recorded: Recorded) => Recorded {
  const keys = runKeys(secret, source);
  return (recorded) => expandIfOpened(recorded, keys);
}

/**
 * Names an empty log by the first event that is appended to it. Throws the signal's reason, or
 * `log.broken` for something else than an event.
 */
export async function awaitSource(store: LogStore, signal: AbortSignal): Promise<string> {
  for await (const [first] of store.follow(0, signal)) {
    if (first !== undefined) return nameIn(first);
  }
  throw signal.reason;
}

/** A log without events has no name yet, and what is derived under no name fits no log. */
async function refuseEmpty(): Promise<never> {
  throw new AppError('input.invalid', {
    field: 'log',
    value: 'no events',
    expected: 'a log that holds its first event, or its name in --source',
    next: 'open a run first; nothing was written',
  });
}

/**
 * The log's own name, from its first event; that event and all others are verified against it when
 * they are read. Null for a log without events.
 */
export async function sourceOf(store: Pick<LogStore, 'fetch'>): Promise<string | null> {
  const [first] = await store.fetch(0, 1);
  return first === undefined ? null : nameIn(first);
}

function nameIn(first: Uint8Array): string {
  const envelope = Envelope.safeParse(jsonOf(first));
  if (!envelope.success) throw noEvent();
  return envelope.data.source;
}

function jsonOf(payload: Uint8Array): Json {
  try {
    return decodeBytes(payload);
  } catch (cause) {
    throw noEvent(cause);
  }
}

function noEvent(cause?: unknown): AppError {
  const next = 'what was read is something else than a log';
  return new AppError('log.broken', { index: 0, found: 'no event', next }, { cause });
}

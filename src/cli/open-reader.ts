import { type Config, loadConfig } from '../config.ts';
import { AppError } from '../errors.ts';
import { decodeBytes, type Json } from '../events/ej1.ts';
import { Envelope } from '../events/envelope.ts';
import type { LogReader } from '../events/log.ts';
import { jetStreamStore } from '../runtime/jetstream-store.ts';
import { logReader } from '../runtime/log-reader.ts';
import type { LogStore } from '../runtime/log-store.ts';
import { connectNats, natsLink } from '../runtime/nats-link.ts';
import type { Io, Option } from './command.ts';
import { natsAddress } from './nats-address.ts';

/** Commands that read a log take this. */
export const SOURCE_OPTION: Option = {
  type: 'string',
  placeholder: 'name',
  help: 'the log that is expected; without it, the name in the first event is believed',
};

export type OpenReader = Readonly<{
  config: Config;
  store: LogStore;
  log: LogReader;
}> &
  AsyncDisposable;

/** Opens the validator's log for reading, with the configured credential. Throws `log.unavailable`. */
export async function openReader(io: Io, source: string | undefined): Promise<OpenReader> {
  const config = loadConfig(io.env);
  const address = await natsAddress(config, 'eirel cli');
  const nc = await connectNats(address);
  const close = (): Promise<void> => nc.close();
  try {
    const link = natsLink(nc, address.inboxPrefix);
    const nameless = jetStreamStore(link, { name: 'validator', source: '' });
    await nameless.size(); // a stream that was never created is told so here, by its name
    const name = source ?? (await sourceOf(nameless));
    const store = jetStreamStore(link, { name: 'validator', source: name });
    return {
      config,
      store,
      log: logReader(store, {}),
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The log's own name, from its first event; that event and all others are verified against it when they are read. */
export async function sourceOf(store: Pick<LogStore, 'fetch'>): Promise<string> {
  const [first] = await store.fetch(0, 1);
  if (first === undefined) return '';
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

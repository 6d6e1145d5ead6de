import { JetStreamApiError, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { z } from 'zod';
import ledger from '../../streams/ledger.json' with { type: 'json' };
import owner from '../../streams/owner.json' with { type: 'json' };
import validator from '../../streams/validator.json' with { type: 'json' };
import { AppError } from '../errors.ts';
import { MAX_EVENT_BYTES } from '../events/envelope.ts';
import { allSubjects, type LogName, logs } from '../events/subjects.ts';
import { JetStreamCode } from './jetstream-api.ts';
import { isOlderVersion, OLDEST_NATS_SERVER } from './nats-server-version.ts';

/** Creating a stream syncs a handful of files. */
const REQUEST_TIMEOUT_MS = 10_000;

/** The server counts headers into `max_msg_size`; ours, those of an atomic batch, take less than 300 bytes. */
const HEADER_BYTES = 1_025;

/**
 * The configuration of a log's stream. The literals are what an append-only log rests on: another
 * value in `streams/*.json` is a fault, not a choice.
 */
export const StreamConfig = z.strictObject({
  name: z.enum(logs),
  description: z.string(),
  subjects: z.array(z.string()).length(1),
  storage: z.literal('file'),
  retention: z.literal('limits'),
  /** Refuse the new instead of dropping the old. */
  discard: z.literal('new'),
  num_replicas: z.union([z.literal(1), z.literal(3), z.literal(5)]),
  max_msg_size: z.literal(MAX_EVENT_BYTES + HEADER_BYTES),
  max_msgs: z.literal(-1),
  max_msgs_per_subject: z.literal(-1),
  max_bytes: z.literal(-1),
  max_age: z.literal(0),
  max_consumers: z.literal(-1),
  /** Nanoseconds. Appends go without message ids; an explicit window keeps a changed default out. */
  duplicate_window: z.literal(120_000_000_000),
  /** One bad bit would cost a whole block. */
  compression: z.literal('none'),
  deny_delete: z.literal(true),
  deny_purge: z.literal(true),
  allow_rollup_hdrs: z.literal(false),
  allow_msg_ttl: z.literal(false),
  allow_direct: z.literal(true),
  allow_atomic: z.literal(true),
  metadata: z.record(z.string(), z.string()),
});
export type StreamConfig = z.infer<typeof StreamConfig>;

/** The configuration in `streams/<log>.json`; throws `config.invalid` when it is not that of a log. */
export function streamConfig(log: LogName): StreamConfig {
  const parsed = StreamConfig.safeParse({ validator, ledger, owner }[log]);
  if (!parsed.success) {
    const issues = z.prettifyError(parsed.error);
    throw new AppError('config.invalid', { file: `streams/${log}.json`, issues });
  }
  const [subject] = parsed.data.subjects;
  if (parsed.data.name !== log || subject !== allSubjects(log)) {
    throw new AppError('config.invalid', {
      file: `streams/${log}.json`,
      value: `stream ${parsed.data.name}, subject ${subject}`,
      expected: `stream ${log}, subject ${allSubjects(log)}`,
    });
  }
  return parsed.data;
}

/** A field of a live stream, or of its server, that is not as configured; undefined stands for absent. */
export type Drift = Readonly<{ field: string; expected: unknown; found: unknown }>;

/**
 * How the live stream differs from its configuration: nothing, if the list is empty. Values that the
 * server adds by itself do not count. Throws `log.unavailable` when the server does not answer.
 */
export async function verifyStream(nc: NatsConnection, config: StreamConfig): Promise<Drift[]> {
  const server = serverDrift(nc);
  if (server.length > 0) return server;
  const live = await liveConfig(nc, config.name);
  if (live === undefined) {
    return [{ field: 'stream', expected: config.name, found: undefined }];
  }
  return compareConfig(config, live);
}

/**
 * Creates the stream, or finds it as configured. A stream that differs is not touched: a changed limit
 * can delete events at once, so that step stays with the operator. Throws `stream.drift` with every
 * difference, or `log.unavailable`.
 */
export async function applyStream(
  nc: NatsConnection,
  config: StreamConfig,
): Promise<'created' | 'unchanged'> {
  const drift = await verifyStream(nc, config);
  if (drift.length === 0) return 'unchanged';
  if (drift.some(({ field }) => field !== 'stream')) {
    throw new AppError('stream.drift', {
      stream: config.name,
      drift,
      remedy: 'compare with streams/*.json and change what is wrong by hand, after a backup',
    });
  }
  const created = await call(nc, `creating stream ${config.name}`, (streams) =>
    streams.add(structuredClone(config)),
  );
  // A server that ignores a field that it does not know would leave a weaker stream behind.
  const left = compareConfig(config, created.config);
  if (left.length > 0) throw new AppError('stream.drift', { stream: config.name, drift: left });
  return 'created';
}

/** Files of a deleted stream can outlive it for a moment, and one of the same name begins with them. */
const MAX_RECREATIONS = 10;

/**
 * Deletes the stream with all that it holds, and creates an empty one: for a repair that has its events from
 * elsewhere. Needs the administrator's credential. Throws `log.unavailable`, or `stream.drift`.
 */
export async function recreateStream(nc: NatsConnection, config: StreamConfig): Promise<void> {
  for (let attempt = 0; attempt < MAX_RECREATIONS; attempt++) {
    if ((await liveConfig(nc, config.name)) !== undefined)
      await call(nc, `deleting stream ${config.name}`, (streams) => streams.delete(config.name));
    await applyStream(nc, config);
    const about = `the state of stream ${config.name}`;
    const { state } = await call(nc, about, (streams) => streams.info(config.name));
    if (state.messages === 0 && state.last_seq === 0) return;
  }
  throw new AppError('log.unavailable', {
    about: `recreating stream ${config.name}`,
    found: 'a new stream that is not empty',
  });
}

function serverDrift(nc: NatsConnection): Drift[] {
  const version = nc.info?.version ?? '0.0.0';
  if (!isOlderVersion(version, OLDEST_NATS_SERVER)) return [];
  const expected = `${OLDEST_NATS_SERVER} or later, for atomic batches (ADR-50)`;
  return [{ field: 'nats-server', expected, found: version }];
}

async function liveConfig(nc: NatsConnection, name: string): Promise<object | undefined> {
  const about = `the configuration of stream ${name}`;
  return call(nc, about, async (streams) => {
    try {
      return (await streams.info(name)).config;
    } catch (error) {
      const absent =
        error instanceof JetStreamApiError && error.code === JetStreamCode.streamNotFound;
      if (absent) return undefined;
      throw error;
    }
  });
}

type Streams = Awaited<ReturnType<typeof jetstreamManager>>['streams'];

async function call<T>(
  nc: NatsConnection,
  about: string,
  action: (streams: Streams) => Promise<T>,
): Promise<T> {
  try {
    const manager = await jetstreamManager(nc, { timeout: REQUEST_TIMEOUT_MS, checkAPI: false });
    return await action(manager.streams);
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause);
    throw new AppError('log.unavailable', { about, found }, { cause });
  }
}

function compareConfig(config: StreamConfig, live: object): Drift[] {
  const expected = comparable(config);
  const found = comparable(live);
  return [...new Set([...Object.keys(expected), ...Object.keys(found)])]
    .filter((field) => JSON.stringify(expected[field]) !== JSON.stringify(found[field]))
    .map((field) => ({ field, expected: expected[field], found: found[field] }));
}

/** Metadata apart, field by field, without what the server notes for itself and without empty values. */
function comparable(config: object): Record<string, unknown> {
  const { metadata, ...fields } = config as { metadata?: Record<string, string> }; // safe: the server's own type
  const notes = Object.entries(metadata ?? {})
    .filter(([key]) => !key.startsWith('_nats.'))
    .map(([key, value]) => [`metadata.${key}`, value] as const);
  return Object.fromEntries(
    [...Object.entries(fields), ...notes].filter(([, value]) => isSet(value)),
  );
}

/** The server leaves a field out, or spells out its default: false, zero, nothing. */
function isSet(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return value !== undefined && value !== null && value !== false && value !== 0 && value !== '';
}

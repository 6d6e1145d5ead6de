import { HttpMethod, RequestContext } from '@kubernetes/client-node';
import { request } from 'undici';
import { z } from 'zod';
import type { PooledKubeConfig } from '../kubernetes/pooled-config.ts';
import type { WatchEvent } from './keep-watching.ts';
import { linesOf } from './lines.ts';
import type { Watched } from './object-cache.ts';

/** What of a kind is watched. */
export type WatchedKind = Readonly<{
  path: string;
  /** The selectors. */
  query: Readonly<Record<string, string>>;
  accept: string;
}>;

export type StreamTimes = Readonly<{
  /** A server that says nothing for so long, not even a bookmark, is not there any more. */
  silenceMs: number;
  /** The server ends each watch after so long, by itself. */
  watchSeconds: number;
}>;

/** A server answers a watch at once, with the headers alone. */
const HEADERS_TIMEOUT_MS = 15_000;

/** An object of the API is at most 1.5 MB, and archives are watched without their contents. */
const MAX_LINE_BYTES = 4 * 1_024 * 1_024;

/**
 * Opens one watch, and gives its events until the server ends it. An answer that is
 * no watch is the event ERROR. Throws for silence, a lost connection, a line that is too long or no event; the rest of a
 * line that was cut off is not looked at.
 */
export async function* openWatch<T extends Watched>(
  config: PooledKubeConfig,
  { path, query, accept }: WatchedKind,
  version: string,
  {
    silenceMs,
    watchSeconds,
    signal,
    onOpen,
  }: StreamTimes & Readonly<{ signal: AbortSignal; onOpen: () => void }>,
): AsyncGenerator<WatchEvent<T>> {
  const url = new URL(`${config.server}${path}`);
  const asked = {
    ...query,
    watch: 'true',
    allowWatchBookmarks: 'true',
    resourceVersion: version,
    timeoutSeconds: String(watchSeconds),
  };
  for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
  const context = new RequestContext(url.href, HttpMethod.GET);
  await config.applySecurityAuthentication(context);
  const dispatcher = context.getDispatcher();
  const { statusCode, body } = await request(context.getUrl(), {
    ...(dispatcher === undefined ? {} : { dispatcher }),
    headers: { ...context.getHeaders(), Accept: accept },
    headersTimeout: HEADERS_TIMEOUT_MS,
    bodyTimeout: silenceMs,
    signal,
  });
  if (statusCode !== 200) {
    await body.dump();
    yield { type: 'ERROR', code: statusCode, message: 'instead of a watch' };
    return;
  }
  onOpen();
  // safe: undici gives a body's chunks as buffers
  for await (const line of linesOf(body as AsyncIterable<Buffer>, MAX_LINE_BYTES))
    if (line !== '') yield readEvent(line);
}

const Line = z.discriminatedUnion('type', [
  z.object({
    type: z.enum(['ADDED', 'MODIFIED', 'DELETED']),
    object: z.looseObject({ metadata: z.looseObject({ uid: z.string().min(1) }) }),
  }),
  z.object({
    type: z.literal('BOOKMARK'),
    object: z.looseObject({ metadata: z.looseObject({ resourceVersion: z.string().min(1) }) }),
  }),
  z.object({
    type: z.literal('ERROR'),
    object: z.looseObject({ code: z.int().catch(0), message: z.string().catch('') }),
  }),
]);

function readEvent<T extends Watched>(line: string): WatchEvent<T> {
  const { type, object } = Line.parse(JSON.parse(line, timesToDates));
  if (type === 'ERROR') return { type, code: object.code, message: object.message };
  // safe: an object of the kind that was asked for, by the server's word; what is read of it may be missing
  return { type, object: object as unknown as T };
}

/** The times that are read of objects; the client gives them as dates in a list. */
const TIMES = new Set([
  'creationTimestamp',
  'deletionTimestamp',
  'startTime',
  'startedAt',
  'lastTransitionTime',
  'lastTimestamp',
  'eventTime',
]);

function timesToDates(key: string, value: unknown): unknown {
  return TIMES.has(key) && typeof value === 'string' ? new Date(value) : value;
}

import { z } from 'zod';
import { AppError } from '../errors.ts';
import type { LogName } from '../events/subjects.ts';
import { JetStreamCode, parseAnswer, refused, Status, statusOf } from './jetstream-api.ts';
import { followFrom, makeNotices } from './jetstream-follow.ts';
import { publishMessages } from './jetstream-publish.ts';
import type { LogStore } from './log-store.ts';
import type { NatsLink } from './nats-link.ts';
import { recentPayloads } from './recent-payloads.ts';
import type { RetryDeps } from './retry.ts';

/** Reading touches the disk of the server, but never waits for others: this is for a machine under load. */
const REQUEST_TIMEOUT_MS = 5_000;

/** A batch of the largest events stays below 35 MB; of usual ones, it hides the round trip. */
const FOLLOW_BATCH_EVENTS = 500;

/**
 * A log's stream, behind one link. Only stateless reads are used (`STREAM.INFO`, `DIRECT.GET`,
 * `STREAM.MSG.GET`): whoever may create a consumer could have the server publish in its name, and
 * a read without state has nothing to restore after a restart. Position n is sequence n + 1.
 * `deps.onRetry` hears of every outage that a following read waits for.
 */
export function jetStreamStore(
  link: NatsLink,
  { name, source }: { name: LogName; source: string },
  deps: Omit<RetryDeps, 'signal'> = {},
): LogStore {
  const notices = makeNotices(link.nc, name);
  const recent = recentPayloads();
  const publish: LogStore['publish'] = async (messages, expectedSize) => {
    const published = await publishMessages(link, name, messages, expectedSize);
    if (published.kind === 'conflict') return published;
    recent.keep(
      messages.map(({ payload }) => payload),
      expectedSize,
    );
    notices.give();
    return published;
  };
  let underWay = { from: Number.POSITIVE_INFINITY, ended: Promise.resolve() };
  const fetchNext = async (from: number): Promise<readonly Uint8Array[]> => {
    // The server tells of a message before it is stored, and its writer knows the bytes as soon as it is.
    if (from >= underWay.from) await underWay.ended;
    const own = recent.from(from, FOLLOW_BATCH_EVENTS);
    return own.length > 0 ? own : fetchBatch(link, name, from, FOLLOW_BATCH_EVENTS);
  };
  return {
    name,
    source,
    size: () => lastSequence(link, name),
    publish: (messages, expectedSize) => {
      const publishing = publish(messages, expectedSize);
      underWay = { from: expectedSize, ended: settled(publishing) };
      return publishing;
    },
    fetch: (from, limit) => fetchSurely(link, name, from, limit),
    follow: (from, signal) => followFrom(from, fetchNext, notices, { ...deps, signal }),
  };
}

/** Resolves whatever becomes of it: whoever asked for it hears of a fault. */
function settled(publishing: Promise<unknown>): Promise<void> {
  return publishing.then(
    () => undefined,
    () => undefined,
  );
}

const StreamInfo = z.object({ state: z.object({ last_seq: z.int().min(0) }) });

async function lastSequence(link: NatsLink, name: LogName): Promise<number> {
  const about = `the state of stream ${name}`;
  const answer = await link.ask({
    about,
    timeoutMs: REQUEST_TIMEOUT_MS,
    ask: (reply) => link.nc.publish(`$JS.API.STREAM.INFO.${name}`, '', { reply }),
    take: (message) => parseAnswer(message, StreamInfo, about),
  });
  if ('error' in answer) throw refused(about, answer.error);
  return answer.ok.state.last_seq;
}

/**
 * As `fetchBatch`; where that ends early, the leader is asked for the next message, because a batch
 * may come from a replica that has not heard of it.
 */
async function fetchSurely(
  link: NatsLink,
  name: LogName,
  from: number,
  limit: number,
): Promise<readonly Uint8Array[]> {
  const payloads = await fetchBatch(link, name, from, limit);
  if (payloads.length === limit) return payloads;
  const next = await fetchFromLeader(link, name, from + payloads.length);
  return next === undefined ? payloads : [...payloads, next];
}

/** At most `limit` payloads from a position on, by one batched direct get (ADR-31). */
function fetchBatch(
  link: NatsLink,
  name: LogName,
  from: number,
  limit: number,
): Promise<readonly Uint8Array[]> {
  const about = `events of ${name} from ${from} on`;
  const payloads: Uint8Array[] = [];
  return link.ask({
    about,
    timeoutMs: REQUEST_TIMEOUT_MS,
    ask: (reply) => {
      // Without headers a read costs the server a quarter, and no stored header can pose as a status.
      const request = JSON.stringify({ seq: from + 1, batch: limit, no_hdr: true });
      link.nc.publish(`$JS.API.DIRECT.GET.${name}`, request, { reply });
    },
    take: (message) => {
      const status = statusOf(message);
      if (status === 0) payloads.push(message.data);
      else if (status === Status.endOfBatch || status === Status.notFound) return payloads;
      else throw new AppError('log.unavailable', { about, found: `status ${status}` });
      return undefined;
    },
  });
}

const StoredMessage = z.object({ message: z.object({ data: z.base64().default('') }) });

async function fetchFromLeader(
  link: NatsLink,
  name: LogName,
  at: number,
): Promise<Uint8Array | undefined> {
  const about = `event ${at} of ${name}`;
  const answer = await link.ask({
    about,
    timeoutMs: REQUEST_TIMEOUT_MS,
    ask: (reply) => {
      const request = JSON.stringify({ seq: at + 1 });
      link.nc.publish(`$JS.API.STREAM.MSG.GET.${name}`, request, { reply });
    },
    take: (message) => parseAnswer(message, StoredMessage, about),
  });
  if ('ok' in answer) return Buffer.from(answer.ok.message.data, 'base64');
  if (answer.error.err_code === JetStreamCode.messageNotFound) return undefined;
  throw refused(about, answer.error);
}

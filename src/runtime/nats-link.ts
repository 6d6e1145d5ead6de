import {
  connect,
  createInbox,
  type Msg,
  type NatsConnection,
  PermissionViolationError,
} from 'nats';
import { AppError } from '../errors.ts';

/** A server on this machine or the next answers within milliseconds; this is for a machine under load. */
const CONNECT_TIMEOUT_MS = 5_000;

/** A restarted server should find us back at once; one attempt costs next to nothing. */
const RECONNECT_WAIT_MS = 250;

/** Who connects where, and with which reply subjects: permissions are bound to the inbox prefix. */
export type NatsAddress = Readonly<{
  url: string;
  user: string;
  pass: string;
  inboxPrefix: string;
  /** Shown in the server's list of connections. */
  name: string;
}>;

/**
 * Connects and stays connected: a lost connection is sought again for ever. Throws `log.unavailable`
 * when the first attempt fails.
 */
export async function connectNats({ url, ...address }: NatsAddress): Promise<NatsConnection> {
  try {
    return await connect({
      ...address,
      servers: url,
      timeout: CONNECT_TIMEOUT_MS,
      maxReconnectAttempts: -1,
      // A server that comes back with its accounts amiss, and is then mended, must find us again.
      ignoreAuthErrorAbort: true,
      reconnectTimeWait: RECONNECT_WAIT_MS,
      // Stack traces for every request would halve the throughput.
      noAsyncTraces: true,
    });
  } catch (cause) {
    throw new AppError('log.unavailable', { server: url, user: address.user }, { cause });
  }
}

/** A question to the server whose answer is one or several messages. */
type Question<T> = Readonly<{
  /** What is asked, for the error. */
  about: string;
  timeoutMs: number;
  /** Publishes the question, with `reply` as reply subject where an answer is wanted. */
  ask: (reply: string) => void;
  /** Takes the answers in order; the first value that is not undefined is the result. */
  take: (answer: Msg) => T | undefined;
}>;

/** A connection that answers questions, and fails them the moment it is lost. */
export type NatsLink = Readonly<{
  nc: NatsConnection;
  /** Throws `log.unavailable` on time-out, disconnect and a refusal by permissions, and what `take` throws. */
  ask: <T>(question: Question<T>) => Promise<T>;
}>;

/** One subscription for all answers over a connection; it lasts as long as the connection. */
export function natsLink(nc: NatsConnection, inboxPrefix: string): NatsLink {
  const inbox = `${createInbox(inboxPrefix)}.`;
  const open = new Map<string, Pending>();
  const link: Link = { nc, inbox, open, down: undefined, count: 0 };
  nc.subscribe(`${inbox}*`, {
    callback: (refusal, answer) => {
      if (refusal === null) open.get(answer.subject)?.answer(answer);
      else goDown(link, `a refused inbox, ${refusal.message}`);
    },
  });
  void watch(link);
  return { nc, ask: (question) => ask(link, question) };
}

type Pending = Readonly<{ answer: (answer: Msg) => void; fail: (cause: unknown) => void }>;

type Link = {
  readonly nc: NatsConnection;
  readonly inbox: string;
  readonly open: Map<string, Pending>;
  /** Why nothing can be asked now. */
  down: string | undefined;
  count: number;
};

async function watch(link: Link): Promise<void> {
  for await (const status of link.nc.status()) {
    if (status.type === 'disconnect') goDown(link, 'a lost connection');
    if (status.type === 'reconnect') link.down = undefined;
    if (status.type === 'error' && !isRefusedSubscription(status.error)) {
      failAll(link, status.error);
    }
  }
  goDown(link, 'a closed connection');
}

/** What is under way when the connection is lost is never answered: nobody should wait for it. */
function goDown(link: Link, why: string): void {
  link.down = why;
  failAll(link, why);
}

function failAll({ open }: Link, cause: unknown): void {
  for (const pending of open.values()) pending.fail(cause);
}

/** Told to the subscriber itself; it says nothing about what was asked. */
function isRefusedSubscription(error: Error): boolean {
  return error instanceof PermissionViolationError && error.operation === 'subscription';
}

function ask<T>(link: Link, { about, timeoutMs, ask, take }: Question<T>): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const reply = `${link.inbox}${link.count++}`;
  const fail = (cause: unknown): void => {
    close();
    const found = cause instanceof Error ? cause.message : cause;
    reject(new AppError('log.unavailable', { about, found }, { cause }));
  };
  const timer = setTimeout(() => fail(`no answer within ${timeoutMs} ms`), timeoutMs);
  const close = (): void => {
    clearTimeout(timer);
    link.open.delete(reply);
  };
  const answer = (message: Msg): void => {
    try {
      const taken = take(message);
      if (taken === undefined) return;
      close();
      resolve(taken);
    } catch (error) {
      close();
      reject(error);
    }
  };
  if (link.down !== undefined) {
    fail(link.down);
    return promise;
  }
  link.open.set(reply, { answer, fail });
  try {
    ask(reply);
  } catch (cause) {
    fail(cause);
  }
  return promise;
}

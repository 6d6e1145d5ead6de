import { z } from 'zod';
import type { Failure } from './backoff.ts';
import { leaveWhenFailing } from './connection-failing.ts';
import type { ConnectionLimits } from './connection-limits.ts';
import type { Link } from './connection-link.ts';
import { type Links, linksOver } from './connection-links.ts';
import { oneLine, outage, shaped } from './connection-message.ts';
import { isForeign, type MetadataCache, readFacts, specOf } from './connection-runtime.ts';
import { openWire, type Wire } from './connection-socket.ts';

/** Makes one handshake, and a session of it. An outage is a value; nothing is left of a failed attempt. */
export type Connect = (order: Order, signal: AbortSignal) => Promise<Attempt>;

type Order = Readonly<{
  url: string;
  /** The address as it may be shown. */
  name: string;
  /** Genesis hash that the node must have, 64 hex digits. */
  genesis: string;
  limits: ConnectionLimits;
  /** Whether there is another endpoint. */
  alternatives: boolean;
  metadata: MetadataCache;
  /** Takes each head that the node shows, or says why the node is to be left. */
  onHead: (kind: 'best' | 'finalized', number: number) => string | null;
}>;

export type Attempt =
  | { readonly kind: 'connected'; readonly session: Session }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** A connection to a node of the right network. */
export type Session = Readonly<{
  /** The link for a read; null while a new runtime is being loaded. */
  link: () => Link | null;
  /** Resolves when the socket is closed, with why. Never rejects. */
  ended: Promise<string>;
  end: (why: string) => void;
}>;

/** Connects to a node over a WebSocket. */
export const connectNode: Connect = async (order, signal) => {
  const opening = await openWire(order.url, { limits: order.limits, signal });
  if (opening.kind === 'refused') {
    const { status, detail } = opening;
    return failed(status === TOO_MANY_REQUESTS ? 'rate-limited' : 'unreachable', detail);
  }
  const { limits, alternatives } = order;
  const wire = leaveWhenFailing(opening.wire, { limit: limits.failingCalls, alternatives });
  try {
    const facts = await readFacts(wire, order.genesis);
    const { url, name, metadata } = order;
    const links = linksOver(wire, { url, name, facts, metadata });
    await start(wire, links, order);
    return {
      kind: 'connected',
      session: { link: links.current, ended: wire.closed, end: wire.destroy },
    };
  } catch (error) {
    // All that was done so far follows from the node's answers: whatever is wrong speaks against the node.
    const detail = oneLine(error);
    wire.destroy(detail);
    // What was wrong with the wire first is the reason why an answer did not come.
    const why = await wire.closed;
    return isForeign(error) ? failed('foreign', detail) : failed('unreachable', why);
  }
};

const TOO_MANY_REQUESTS = 429;

function failed(kind: Failure['kind'], detail: string): Attempt {
  return { kind: 'failed', failure: { kind, detail, lastedMs: 0 } };
}

async function start(wire: Wire, links: Links, order: Order): Promise<void> {
  const subscribe = (method: string, take: (result: unknown) => void): Promise<void> =>
    wire.subscribe(method, (error, result) => guard(wire, error, () => take(result)));
  await subscribe('state_subscribeRuntimeVersion', (version) => {
    const spec = specOf(version);
    links
      .follow(spec)
      .catch((error: unknown) =>
        wire.destroy(`runtime ${spec} is not to be had: ${oneLine(error)}`),
      );
  });
  await links.load();
  const follow = (kind: 'best' | 'finalized', header: unknown): boolean => {
    const objection = order.onHead(kind, numberOf(header));
    if (objection !== null) wire.destroy(objection);
    return objection === null;
  };
  await subscribe('chain_subscribeNewHead', (header) => follow('best', header));
  const { promise: shown, resolve } = Promise.withResolvers<void>();
  await subscribe('chain_subscribeFinalizedHeads', (header) => {
    if (follow('finalized', header)) resolve();
  });
  // A node shows its finalised head at once; nothing is read from that node until it was accepted.
  await within(wire, order.limits.callTimeoutMs, shown);
}

/** What a node sends must not end the process: a notice that makes no sense ends the connection. */
function guard(wire: Wire, error: Error | null, take: () => void): void {
  try {
    if (error !== null) throw error;
    take();
  } catch (error) {
    wire.destroy(`a notice of the node makes no sense: ${oneLine(error)}`);
  }
}

const Header = z.looseObject({ number: z.string().regex(/^0x[0-9a-f]{1,13}$/) });

function numberOf(header: unknown): number {
  return Number(shaped(Header, header, 'a head').number);
}

/** Waits for something that the node sends unasked, with the deadline of an answer. */
async function within(wire: Wire, timeoutMs: number, awaited: Promise<void>): Promise<void> {
  const about = 'the finalised head';
  const { promise: failing, reject } = Promise.withResolvers<never>();
  const late = outage(about, `none within ${timeoutMs} ms`);
  const timer = setTimeout(() => reject(late), timeoutMs);
  void wire.closed.then((why) => reject(outage(about, why)));
  // The wire closes some day, when nobody waits here any more.
  failing.catch(() => undefined);
  try {
    await Promise.race([awaited, failing]);
  } finally {
    clearTimeout(timer);
  }
}

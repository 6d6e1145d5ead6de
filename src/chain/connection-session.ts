import { z } from 'zod';
import type { Failure } from './backoff.ts';
import { buildApi, type NodeFacts } from './connection-api.ts';
import { signingObstacle } from './connection-extensions.ts';
import type { ConnectionLimits } from './connection-limits.ts';
import type { Link } from './connection-link.ts';
import { outage } from './connection-message.ts';
import {
  checkRuntime,
  isForeign,
  type MetadataCache,
  readFacts,
  readRuntime,
  specOf,
} from './connection-runtime.ts';
import { openWire, type Wire } from './connection-socket.ts';

/** A node's upgrade is done within a block; one whose answers disagree more often is not to be followed. */
const MAX_LOADS = 3;

/** Makes one handshake, and a session of it. An outage is a value; nothing is left of a failed attempt. */
export type Connect = (order: Order, signal: AbortSignal) => Promise<Attempt>;

export type Order = Readonly<{
  url: string;
  /** The address as it may be shown. */
  name: string;
  /** Genesis hash that the node must have, 64 hex digits. */
  genesis: string;
  limits: ConnectionLimits;
  metadata: MetadataCache;
  /** Takes each head that the node shows, or says why the node is to be left. */
  onHead: (kind: 'best' | 'finalized', number: number) => string | null;
}>;

export type Attempt =
  | { readonly kind: 'connected'; readonly session: Session }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** A connection to a node of the right network. */
export type Session = Readonly<{
  /** Lends the link for a read; null while a new runtime is being loaded. */
  borrow: () => Loan | null;
  /** Resolves when the socket is closed and everything is released, with why. Never rejects. */
  ended: Promise<string>;
  end: (why: string) => void;
}>;

export type Loan = Readonly<{ link: Link; giveBack: () => void }>;

export const connectNode: Connect = async (order, signal) => {
  const { limits } = order;
  const opening = await openWire(order.url, { limits, signal });
  if (opening.kind === 'refused') {
    const kind = opening.status === HTTP_TOO_MANY_REQUESTS ? 'rate-limited' : 'unreachable';
    return { kind: 'failed', failure: { kind, detail: opening.detail, lastedMs: 0 } };
  }
  const { wire } = opening;
  const abort = (): void => wire.destroy('closed');
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  const state: State = { wire, order, held: new Set(), current: null, spec: null, loading: null };
  const ended = wire.closed.then(async (why) => {
    signal.removeEventListener('abort', abort);
    await release(state);
    return why;
  });
  try {
    await start(state);
    return {
      kind: 'connected',
      session: { borrow: () => borrow(state), ended, end: wire.destroy },
    };
  } catch (error) {
    // All that happened so far follows from the node's answers, so whatever is wrong speaks against it.
    const detail = error instanceof Error ? error.message : String(error);
    wire.destroy(detail);
    const why = await ended;
    const kind = isForeign(error) ? 'foreign' : 'unreachable';
    return {
      kind: 'failed',
      failure: { kind, detail: kind === 'foreign' ? detail : why, lastedMs: 0 },
    };
  }
};

const HTTP_TOO_MANY_REQUESTS = 429;

/** A link, and who reads from it. */
type Held = { readonly link: Link; loans: number; retired: boolean };

type State = {
  readonly wire: Wire;
  readonly order: Order;
  /** Every link whose ApiPromise is alive. */
  readonly held: Set<Held>;
  current: Held | null;
  /** The runtime that the node runs by its last word. */
  spec: number | null;
  loading: Promise<void> | null;
};

async function start(state: State): Promise<void> {
  const { wire, order } = state;
  const facts = await readFacts(wire, order.genesis);
  await wire.subscribe('state_subscribeRuntimeVersion', [], (error, version) =>
    guard(state, error, () => followRuntime(state, facts, specOf(version))),
  );
  await load(state, facts);
  await wire.subscribe('chain_subscribeNewHead', [], (error, header) =>
    guard(state, error, () => follow(state, 'best', header)),
  );
  const { promise: finalized, resolve } = Promise.withResolvers<void>();
  await wire.subscribe('chain_subscribeFinalizedHeads', [], (error, header) =>
    guard(state, error, () => {
      follow(state, 'finalized', header);
      resolve();
    }),
  );
  // A node tells its finalised head at once; until it is accepted nothing is read from that node.
  await within(state, finalized);
}

/** What a node sends must not end the process: a notice that makes no sense ends the connection. */
function guard({ wire }: State, error: Error | null, take: () => void): void {
  try {
    if (error !== null) throw error;
    take();
  } catch (error) {
    wire.destroy(`a notice of the node is malformed: ${String(error)}`);
  }
}

const Header = z.looseObject({ number: z.string().regex(/^0x[0-9a-f]{1,13}$/) });

function follow({ wire, order }: State, kind: 'best' | 'finalized', header: unknown): void {
  const objection = order.onHead(kind, Number(Header.parse(header).number));
  if (objection !== null) wire.destroy(objection);
}

/** After an upgrade readers under way finish with the old link, and later ones get a new one. */
function followRuntime(state: State, facts: NodeFacts, spec: number): void {
  if (spec === state.spec) return;
  state.spec = spec;
  if (state.current !== null) retire(state, state.current);
  state.current = null;
  load(state, facts).catch((error: unknown) =>
    state.wire.destroy(`runtime ${spec} cannot be loaded: ${String(error)}`),
  );
}

/** Loads the runtime that the node runs; one load serves all who ask meanwhile. */
function load(state: State, facts: NodeFacts): Promise<void> {
  state.loading ??= loadNewest(state, facts).finally(() => {
    state.loading = null;
  });
  return state.loading;
}

async function loadNewest(state: State, facts: NodeFacts): Promise<void> {
  const { wire, order } = state;
  for (let attempt = 0; attempt < MAX_LOADS; attempt++) {
    const runtime = await readRuntime(wire, order.url, order.metadata);
    const api = await buildApi(wire, facts, runtime);
    const cannotSign = signingObstacle(api);
    const link: Link = {
      api,
      spec: runtime.specVersion,
      endpoint: order.name,
      call: wire.call,
      canSign: cannotSign === null,
      cannotSign,
    };
    const held: Held = { link, loans: 0, retired: false };
    state.held.add(held);
    checkRuntime(api, facts, runtime);
    order.metadata.set(order.url, runtime);
    state.spec ??= runtime.specVersion;
    if (state.spec === runtime.specVersion) {
      state.current = held;
      return;
    }
    retire(state, held);
  }
  throw outage('runtime', `no version that stays the same over ${MAX_LOADS} answers`);
}

function borrow(state: State): Loan | null {
  const held = state.current;
  if (held === null) return null;
  held.loans++;
  return {
    link: held.link,
    giveBack: () => {
      held.loans--;
      if (held.retired && held.loans === 0) drop(state, held);
    },
  };
}

function retire(state: State, held: Held): void {
  held.retired = true;
  if (held.loans === 0) drop(state, held);
}

function drop(state: State, held: Held): void {
  state.held.delete(held);
  void held.link.api.disconnect();
}

async function release(state: State): Promise<void> {
  // A load that is under way may still build one.
  await state.loading?.catch(() => undefined);
  state.current = null;
  for (const held of state.held) drop(state, held);
}

/** Waits for something that the node sends unasked, with the deadline of an answer. */
async function within({ wire, order }: State, awaited: Promise<void>): Promise<void> {
  const { callTimeoutMs } = order.limits;
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(outage('the finalised head', `none within ${callTimeoutMs} ms`)),
    callTimeoutMs,
  );
  const lost = wire.closed.then((why) => Promise.reject(outage('the finalised head', why)));
  try {
    await Promise.race([awaited, late, lost]);
  } finally {
    clearTimeout(timer);
    // Either may fail after the race is over, when nobody waits any more.
    lost.catch(() => undefined);
  }
}

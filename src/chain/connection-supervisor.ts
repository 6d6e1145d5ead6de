import { afterFailure, afterHandshake, type EndpointHistory, type Failure } from './backoff.ts';
import type { ConnectionLimits } from './connection-limits.ts';
import { oneLine } from './connection-message.ts';
import type { MetadataCache } from './connection-runtime.ts';
import type { Attempt, Connect, Session } from './connection-session.ts';
import type { ConnectionState } from './connection-state.ts';
import { type Endpoint, nextEndpoint } from './endpoints.ts';
import {
  beat,
  firstPulse,
  followHead,
  type Heads,
  type Pulse,
  patience,
  type ShownHead,
} from './heads.ts';

/** What the connection is made of; only this file changes it. */
export type Core = {
  readonly now: () => number;
  readonly random: () => number;
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly connect: Connect;
  readonly signal: AbortSignal;
  readonly genesis: string;
  readonly onChange: ((state: ConnectionState) => void) | undefined;
  readonly limits: ConnectionLimits;
  readonly metadata: MetadataCache;
  endpoints: readonly Endpoint[];
  /** Index of the endpoint that was tried last. */
  last: number;
  heads: Heads;
  pulse: Pulse;
  session: Session | null;
  state: Omit<ConnectionState, 'resting'>;
};

/**
 * Connects and stays connected until the signal is aborted. The next handshake waits until the last socket
 * is closed, so there is never more than one.
 */
export async function supervise(core: Core): Promise<void> {
  const { limits, signal, wait } = core;
  while (!signal.aborted) {
    const now = core.now();
    const { index, at } = nextEndpoint(core.endpoints, core.last, { now, limits });
    if (at > now) {
      change(core, { status: 'waiting', endpoint: null, nextAttemptAt: at });
      await wait(Math.ceil(at - now), signal);
    } else {
      core.last = index;
      await visit(core, index);
    }
  }
  change(core, {
    status: 'closed',
    detail: 'closed',
    endpoint: null,
    connectedSince: null,
    nextAttemptAt: null,
  });
}

/** The state as of now. */
export function stateOf({ state, endpoints, now }: Core): ConnectionState {
  const resting = endpoints.flatMap(({ name, history: { resting, notBefore } }) =>
    resting === null || notBefore <= now()
      ? []
      : [{ endpoint: name, until: notBefore, why: resting }],
  );
  return { ...state, resting };
}

/** One handshake with an endpoint, and the connection that comes of it up to its end. */
async function visit(core: Core, index: number): Promise<void> {
  const endpoint = core.endpoints[index];
  if (endpoint === undefined) throw new RangeError(`there is no endpoint ${index}`);
  const { name } = endpoint;
  const { limits } = core;
  remember(core, index, (history) => afterHandshake(history, core.now(), limits));
  change(core, {
    status: 'connecting',
    detail: `connecting to ${name}`,
    endpoint: name,
    handshakes: core.state.handshakes + 1,
    nextAttemptAt: null,
  });
  core.pulse = firstPulse(core.now());
  const attempt = await attemptWith(core, index, endpoint);
  const failure =
    attempt.kind === 'failed' ? attempt.failure : await hold(core, name, attempt.session);
  if (core.signal.aborted) return;
  const [now, random] = [core.now(), core.random()];
  remember(core, index, (history) => afterFailure(history, failure, { now, random, limits }));
  const lastError = `${name}: ${failure.detail}`;
  change(core, {
    status: 'waiting',
    detail: `not connected: ${lastError}`,
    endpoint: null,
    connectedSince: null,
    losses: core.state.losses + (attempt.kind === 'connected' ? 1 : 0),
    lastError,
  });
}

async function attemptWith(core: Core, index: number, { url, name }: Endpoint): Promise<Attempt> {
  const { genesis, limits, metadata, signal } = core;
  const alternatives = hasAlternatives(core);
  try {
    const onHead = (kind: 'best' | 'finalized', number: number) =>
      takeHead(core, kind, { number, endpoint: index, endpoints: core.endpoints.length });
    return await core.connect(
      { url, name, genesis, limits, alternatives, metadata, onHead },
      signal,
    );
  } catch (error) {
    // Outages are values, so this is a fault of ours: told in the state, and no reason to end the loop.
    const detail = `a fault in the connection: ${oneLine(error)}`;
    return { kind: 'failed', failure: { kind: 'unreachable', detail, lastedMs: 0 } };
  }
}

function takeHead(core: Core, kind: 'best' | 'finalized', shown: ShownHead): string | null {
  const now = core.now();
  core.pulse = beat(core.pulse, kind, shown.number, now);
  if (kind === 'best') return null;
  const { heads, objection } = followHead(core.heads, shown, { now, limits: core.limits });
  core.heads = heads;
  return objection;
}

/** Keeps the session until it ends, or until it shows no sign of life. */
async function hold(core: Core, name: string, session: Session): Promise<Failure> {
  const since = core.now();
  core.session = session;
  change(core, {
    status: 'connected',
    detail: `connected to ${name}`,
    connectedSince: since,
  });
  const over = new AbortController();
  const ended = session.ended.finally(() => {
    core.session = null;
    over.abort();
  });
  const alternatives = hasAlternatives(core);
  while (!over.signal.aborted) {
    const { pulse, heads, limits } = core;
    const { until, why } = patience({ pulse, heads, since }, { limits, alternatives });
    const left = until - core.now();
    if (left > 0) await core.wait(Math.ceil(left), over.signal);
    else {
      session.end(why);
      await ended;
    }
  }
  return { kind: 'lost', detail: await ended, lastedMs: core.now() - since };
}

function hasAlternatives({ endpoints }: Core): boolean {
  return endpoints.length > 1;
}

function remember(
  core: Core,
  index: number,
  next: (history: EndpointHistory) => EndpointHistory,
): void {
  core.endpoints = core.endpoints.map((endpoint, at) =>
    at === index ? { ...endpoint, history: next(endpoint.history) } : endpoint,
  );
}

function change(core: Core, changes: Partial<Core['state']>): void {
  core.state = { ...core.state, ...changes };
  core.onChange?.(stateOf(core));
}

import { lookup as lookupName } from 'node:dns/promises';

import { openConnection } from './peer-connection.ts';
import { type Cutoff, openCutoff } from './peer-cutoff.ts';
import { type ExchangeLimits, exchange, type PeerRequest } from './peer-exchange.ts';
import { createGate, type Gate, type GateLimits } from './peer-gate.ts';
import { type FetchOutcome, type Refused, refused } from './peer-outcome.ts';
import { type Lookup, parseTarget, resolveTarget, type Target } from './peer-target.ts';

export type { FetchOutcome, FetchRefusal } from './peer-outcome.ts';

type RequestOptions = {
  readonly signal?: AbortSignal;
  /** Stands in for the client's limit on the response's body in this call. */
  readonly maxBytes?: number;
  /** Takes the beginning of a body that is larger, instead of refusing it. */
  readonly cut?: boolean;
  /** Header fields of the request beside those that every request has, such as a signature's. */
  readonly headers?: Readonly<Record<string, string>>;
};

export type PeerClient = {
  /** Fetches an attacker-chosen URL. */
  get(url: string, options?: RequestOptions): Promise<FetchOutcome>;
  /** Sends bytes to an attacker-chosen URL, once: whether they arrived is not known when no response comes. */
  post(
    url: string,
    body: Uint8Array,
    options: RequestOptions & { readonly contentType: string },
  ): Promise<FetchOutcome>;
};

export type PeerLimits = ExchangeLimits &
  GateLimits & {
    readonly connectTimeoutMs: number;
    readonly totalTimeoutMs: number;
    readonly requestBytes: number;
  };

export const PEER_LIMITS: PeerLimits = {
  requestBytes: 64 * 1_024, // as much as a validator takes; a checkpoint with its proof is under 8 KiB
  bodyBytes: 2 * 1_024 * 1_024, // decoded: a report on 1,024 miners is under 200 KiB
  headerBytes: 16 * 1_024, // an honest response has under 1 KiB
  connectTimeoutMs: 3_000, // name, TCP and TLS together: ten round trips around the world
  headersTimeoutMs: 5_000, // from connected to the whole response header
  totalTimeoutMs: 10_000, // without waiting in the queue: what a peer can cost one round of fetching
  ratePeriodMs: 2_000, // long enough for one lost packet to be sent again
  rateBytesPerPeriod: 8 * 1_024, // 4 KiB/s is below any usable link; a drip is over after one period
  perPeerConcurrency: 4, // a peer's checkpoint, tile, report and inputs at once
  perPeerWaiting: 32, // of one peer: more means that the caller does not wait for answers
  totalConcurrency: 16, // with the body limit: at most 32 MiB of bodies in memory
  totalWaiting: 1_024, // one for each uid of the largest subnet
};

/**
 * The one HTTP client for addresses that somebody else chose: axons, the owner, archives. It connects only to public
 * addresses (with `allowLoopback`, for a subnet on one machine, also to this one), never follows a redirect and holds
 * every limit of `PEER_LIMITS`. Whatever the other side does comes back as a value.
 */
export function createPeerClient(options: {
  readonly allowLoopback: boolean;
  readonly limits?: Partial<PeerLimits>;
  readonly lookup?: Lookup;
}): PeerClient & AsyncDisposable {
  const limits = { ...PEER_LIMITS, ...options.limits };
  for (const [name, value] of Object.entries(limits)) assertLimit(name, value);
  const deps = {
    gate: createGate(limits),
    allowLoopback: options.allowLoopback,
    lookup: options.lookup ?? systemLookup,
  };
  const running = new Map<Cutoff, Promise<FetchOutcome>>();
  let disposed = false;

  async function ask(
    url: string,
    sent: PeerRequest,
    { signal, maxBytes = limits.bodyBytes, cut = false }: RequestOptions,
  ): Promise<FetchOutcome> {
    assertLimit('maxBytes', maxBytes);
    const target = parseTarget(url);
    if (target.kind === 'refused') return target;
    if (disposed) return CLIENT_DISPOSED;
    using cutoff = openCutoff();
    const abort = (): void => cutoff.cut(refused('aborted', 'the caller gave up'));
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort);
    const bounds = { ...limits, bodyBytes: maxBytes, cut };
    const outcome = enterAndAsk(target, sent, bounds, cutoff, deps);
    running.set(cutoff, outcome);
    try {
      return await outcome;
    } finally {
      running.delete(cutoff);
      signal?.removeEventListener('abort', abort);
    }
  }

  return {
    get: (url, options = {}) =>
      ask(url, { method: 'GET', headers: options.headers ?? {} }, options),
    async post(url, body, { contentType, ...options }) {
      if (body.length > limits.requestBytes) {
        throw new RangeError(`body: ${body.length} bytes, expected at most ${limits.requestBytes}`);
      }
      const { headers = {} } = options;
      return ask(url, { method: 'POST', headers, body, contentType }, options);
    },
    async [Symbol.asyncDispose]() {
      disposed = true;
      const outcomes = [...running.values()];
      for (const cutoff of running.keys()) cutoff.cut(CLIENT_DISPOSED);
      await Promise.allSettled(outcomes);
    },
  };
}

const CLIENT_DISPOSED = refused('aborted', 'the client is disposed');

/** The limits of one call. */
type Bounds = PeerLimits & { readonly cut: boolean };

type AskDeps = {
  readonly gate: Gate;
  readonly lookup: Lookup;
  readonly allowLoopback: boolean;
};

async function enterAndAsk(
  target: Target,
  sent: PeerRequest,
  limits: Bounds,
  cutoff: Cutoff,
  deps: AskDeps,
): Promise<FetchOutcome> {
  const refusal = await deps.gate.enter(target.key, cutoff);
  if (refusal !== null) return refusal;
  try {
    return await askTarget(target, sent, limits, cutoff, deps);
  } finally {
    deps.gate.leave(target.key);
  }
}

async function askTarget(
  target: Target,
  sent: PeerRequest,
  limits: Bounds,
  cutoff: Cutoff,
  deps: AskDeps,
): Promise<FetchOutcome> {
  cutoff.cutAfter(
    limits.totalTimeoutMs,
    refused('timeout', `no whole response within ${limits.totalTimeoutMs} ms`),
  );
  const stopConnectTimer = cutoff.cutAfter(
    limits.connectTimeoutMs,
    refused('timeout', `no connection within ${limits.connectTimeoutMs} ms`),
  );
  const resolved = await untilCut(resolveTarget(target, deps), cutoff);
  if (resolved.kind === 'refused') return resolved;
  const connected = await openConnection(target, resolved.addresses, cutoff);
  stopConnectTimer();
  if (connected.kind === 'refused') return connected;
  return exchange(connected.socket, target, sent, limits, cutoff);
}

/** The result of `work`, or the refusal if the fetch is cut first: the system's resolver cannot be interrupted. */
function untilCut<T>(work: Promise<T>, cutoff: Cutoff): Promise<T | Refused> {
  return new Promise((resolve, reject) => {
    cutoff.onCut(resolve);
    work.then(resolve, reject);
  });
}

function systemLookup(hostname: string): ReturnType<Lookup> {
  return lookupName(hostname, { all: true });
}

function assertLimit(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(`${name}: ${value}, expected a positive integer`);
  }
}

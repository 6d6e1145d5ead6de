import { AppError } from '../errors.ts';
import { FINNEY_GENESIS } from '../events/source.ts';
import type { Known } from './chain.ts';
import { type ConnectionLimits, DEFAULT_LIMITS, FINNEY_LIMITS } from './connection-limits.ts';
import { isOutage, type Link } from './connection-link.ts';
import { oneLine } from './connection-message.ts';
import type { Connect } from './connection-session.ts';
import { type ConnectionState, NOT_STARTED } from './connection-state.ts';
import { type Core, stateOf, supervise } from './connection-supervisor.ts';
import { endpointsOf } from './endpoints.ts';
import { firstPulse, knownHead, noHeads } from './heads.ts';
import { known, unavailable } from './known.ts';

/**
 * Several calls with their own deadlines make one read. The longest walks over the commitments of 50 blocks:
 * some 200 calls one after the other, a tenth of a second each where the node is far away.
 */
const READ_TIMEOUT_MS = 30_000;

export type ConnectionOptions = Readonly<{
  /** ws:// or wss:// URLs of nodes, the preferred one first. */
  endpoints: readonly string[];
  /** Genesis hash of the configured network, 64 hex digits. */
  genesis: string;
  limits?: Partial<ConnectionLimits>;
  /** Is told of every change of `state()`, heads excepted. */
  onChange?: (state: ConnectionState) => void;
}>;

export type ConnectionDeps = Readonly<{
  /** Milliseconds of a clock that does not go back. */
  now: () => number;
  /** In [0, 1). */
  random: () => number;
  /** Waits some milliseconds; an abort ends the waiting early, without an error. */
  wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** `connectNode`, but for tests. */
  connect: Connect;
  /** Closes the connection. */
  signal: AbortSignal;
}>;

export type Connection = AsyncDisposable &
  Readonly<{
    state: () => ConnectionState;
    /**
     * The newest finalised block, unknown when it is old. It goes back only when it turns out to have been
     * the lie of one node.
     */
    head: () => Known<number>;
    /**
     * Lends the link for one read. No connection, a lost one, an error that the node answers and a time-out
     * make the result unknown; whatever else `use` throws is thrown on.
     */
    withApi: <T>(
      use: (link: Link) => Promise<T>,
      options?: Readonly<{ timeoutMs?: number }>,
    ) => Promise<Known<T>>;
  }>;

/**
 * The one connection to the chain: a single WebSocket at any time, to one of the endpoints in turn, for
 * ever. Outages are values. Throws `config.invalid` for endpoints or a genesis hash that cannot be used.
 */
export function openConnection(options: ConnectionOptions, deps: ConnectionDeps): Connection {
  if (!/^[0-9a-f]{64}$/.test(options.genesis)) {
    const expected = '64 lower-case hex digits';
    throw new AppError('config.invalid', { field: 'genesis', value: options.genesis, expected });
  }
  const networkLimits = options.genesis === FINNEY_GENESIS ? FINNEY_LIMITS : {};
  const limits = { ...DEFAULT_LIMITS, ...networkLimits, ...options.limits };
  const closing = new AbortController();
  const core: Core = {
    ...deps,
    genesis: options.genesis,
    onChange: options.onChange,
    limits,
    signal: closing.signal,
    metadata: new Map(),
    endpoints: endpointsOf(options.endpoints),
    last: -1,
    heads: noHeads(deps.now()),
    pulse: firstPulse(deps.now()),
    session: null,
    state: NOT_STARTED,
  };
  const close = (): void => closing.abort();
  deps.signal.addEventListener('abort', close, { once: true });
  if (deps.signal.aborted) close();
  const running = supervise(core).finally(() => deps.signal.removeEventListener('abort', close));
  return {
    state: () => stateOf(core),
    head: () => knownHead(core.heads, { now: deps.now(), limits, connection: core.state.detail }),
    withApi: (use, { timeoutMs = READ_TIMEOUT_MS } = {}) => read(core, use, timeoutMs),
    [Symbol.asyncDispose]: async () => {
      close();
      await running;
    },
  };
}

async function read<T>(
  core: Core,
  use: (link: Link) => Promise<T>,
  timeoutMs: number,
): Promise<Known<T>> {
  const link = core.session?.link() ?? null;
  if (link === null) {
    return unavailable(core.session === null ? core.state.detail : 'a new runtime is being loaded');
  }
  const over = new AbortController();
  const late = core
    .wait(timeoutMs, over.signal)
    .then(() => unavailable(`the read was not done within ${timeoutMs} ms`));
  try {
    return await Promise.race([outcome(use, link), late]);
  } finally {
    over.abort();
  }
}

async function outcome<T>(use: (link: Link) => Promise<T>, link: Link): Promise<Known<T>> {
  try {
    return known(await use(link));
  } catch (error) {
    if (isOutage(error)) return unavailable(`${link.endpoint}: ${oneLine(error)}`);
    throw error;
  }
}

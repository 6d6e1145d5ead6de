import { type Connection, openConnection } from '#src/chain/connection.ts';
import type { ConnectionLimits } from '#src/chain/connection-limits.ts';
import { connectNode } from '#src/chain/connection-session.ts';
import type { ConnectionState } from '#src/chain/connection-state.ts';
import { wait } from '#src/runtime/clock.ts';
import { until } from './live-until.ts';

/** Limits for which no test has to wait; a deadline that a test is not about is never reached. */
const QUICK: Partial<ConnectionLimits> = {
  firstRetryMs: 20,
  longestRetryMs: 40,
  handshakeSpacingMs: 20,
  handshakeBurst: 1_000,
  handshakeTimeoutMs: 10_000,
};

/** A connection to real WebSocket servers on this machine, with what it told of itself. */
export function openChain(
  endpoints: readonly string[],
  genesis: string,
  limits: Partial<ConnectionLimits> = {},
  signal: AbortSignal = new AbortController().signal,
  waitFor = wait,
): Connection & { readonly told: ConnectionState[] } {
  const told: ConnectionState[] = [];
  const connection = openConnection(
    { endpoints, genesis, limits: { ...QUICK, ...limits }, onChange: (state) => told.push(state) },
    {
      now: () => performance.now(),
      random: () => 0.5,
      wait: waitFor,
      connect: connectNode,
      signal,
    },
  );
  return { ...connection, told };
}

/** Waits until the connection stands, to this endpoint where one is named. */
export function connected(connection: Connection, endpoint?: string): Promise<ConnectionState> {
  return until(`a connection to ${endpoint ?? 'any node'}`, () => {
    const state = connection.state();
    const right = state.status === 'connected' && state.endpoint === (endpoint ?? state.endpoint);
    return right ? state : null;
  });
}

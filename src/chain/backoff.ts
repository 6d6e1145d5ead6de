import type { ConnectionLimits } from './connection-limits.ts';

/** What an endpoint's past says about its next handshake. Times are milliseconds of the caller's clock. */
export type EndpointHistory = Readonly<{
  /** Attempts in a row that led to no lasting connection. */
  failures: number;
  /** Of those, the last ones that were answered with HTTP 429. */
  refusals: number;
  /** No handshake before this. */
  notBefore: number;
  /** The handshakes made so far are paid for at this time: the clock of the hourly budget. */
  paidAt: number;
  /** Why it rests until `notBefore`; null while it merely backs off. */
  resting: string | null;
}>;

/** Why an attempt led to no connection, or a connection ended. */
export type Failure = Readonly<{
  kind: 'unreachable' | 'rate-limited' | 'foreign' | 'lost';
  detail: string;
  /** How long the connection lasted; 0 without one. */
  lastedMs: number;
}>;

export const NEVER_ASKED: EndpointHistory = {
  failures: 0,
  refusals: 0,
  notBefore: 0,
  paidAt: 0,
  resting: null,
};

/**
 * The earliest time of the next handshake: after back-off and rest, and within the budget. The budget is
 * the generic cell rate algorithm (ITU-T I.371): each handshake costs `handshakeRefillMs`, and at most
 * `handshakeBurst` of them are made on credit.
 */
export function nextAttempt(history: EndpointHistory, limits: ConnectionLimits): number {
  const credit = (limits.handshakeBurst - 1) * limits.handshakeRefillMs;
  return Math.max(history.notBefore, history.paidAt - credit);
}

/** The history after a handshake is begun. It is counted before its outcome is known. */
export function afterHandshake(
  history: EndpointHistory,
  now: number,
  limits: ConnectionLimits,
): EndpointHistory {
  return {
    ...history,
    notBefore: now + limits.handshakeSpacingMs,
    paidAt: Math.max(history.paidAt, now) + limits.handshakeRefillMs,
    resting: null,
  };
}

/**
 * The history after a failure. The back-off has full jitter: a random time up to the exponential bound,
 * so that validators which lost one node together do not come back together. `random` is in [0, 1).
 */
export function afterFailure(
  history: EndpointHistory,
  failure: Failure,
  { now, random, limits }: { now: number; random: number; limits: ConnectionLimits },
): EndpointHistory {
  const failures = failure.lastedMs >= limits.stableAfterMs ? 1 : history.failures + 1;
  const refusals = failure.kind === 'rate-limited' ? history.refusals + 1 : 0;
  const restMs = rest(failure, refusals, limits);
  const bound = Math.min(limits.longestRetryMs, limits.firstRetryMs * 2 ** (failures - 1));
  return {
    ...history,
    failures,
    refusals,
    notBefore: Math.max(history.notBefore, now + restMs + random * bound),
    resting: restMs === 0 ? null : failure.detail,
  };
}

function rest({ kind }: Failure, refusals: number, limits: ConnectionLimits): number {
  if (kind === 'foreign') return limits.foreignRestMs;
  if (kind !== 'rate-limited') return 0;
  return refusals < limits.rateLimitPatience ? limits.rateLimitRestMs : limits.rateLimitLongRestMs;
}

import { AppError } from '../errors.ts';
import { type EndpointHistory, NEVER_ASKED, nextAttempt } from './backoff.ts';
import type { ConnectionLimits } from './connection-limits.ts';

/** A node's address and its past. */
export type Endpoint = Readonly<{
  url: string;
  /** Scheme, host and port: a path or query may hold an API key, so they are shown nowhere. */
  name: string;
  history: EndpointHistory;
}>;

/** The configured endpoints in their order. Throws `config.invalid` for a list that names no usable node. */
export function endpointsOf(urls: readonly string[]): readonly Endpoint[] {
  if (urls.length === 0) throw invalid('an empty list', 'at least one URL of a node');
  return urls.map((url, index) => {
    if (urls.indexOf(url) !== index) throw invalid(nameOf(url), 'each URL once');
    return { url, name: nameOf(url), history: NEVER_ASKED };
  });
}

/**
 * The endpoint to try next, and when: the one that may be asked first. Of several that may be asked now it
 * is the next one after `last` in the configured order, so that a failure goes round.
 */
export function nextEndpoint(
  endpoints: readonly Endpoint[],
  last: number,
  { now, limits }: { now: number; limits: ConnectionLimits },
): Readonly<{ index: number; at: number }> {
  const ring = endpoints.map((_, step) => (last + 1 + step) % endpoints.length);
  const candidates = ring.map((index) => ({ index, at: dueAt(endpoints[index], now, limits) }));
  return candidates.reduce((best, next) => (next.at < best.at ? next : best));
}

function dueAt(endpoint: Endpoint | undefined, now: number, limits: ConnectionLimits): number {
  return endpoint === undefined ? Infinity : Math.max(now, nextAttempt(endpoint.history, limits));
}

function nameOf(url: string): string {
  const parsed = URL.parse(url);
  // A URL may hold a secret, so only its scheme and host are told.
  if (parsed === null) throw invalid('no URL', 'a ws:// or wss:// URL');
  if (!['ws:', 'wss:'].includes(parsed.protocol) || parsed.hash !== '') {
    const value = `${parsed.protocol}//${parsed.host}…`;
    throw invalid(value, 'a ws:// or wss:// URL without fragment');
  }
  return `${parsed.protocol}//${parsed.host}`;
}

function invalid(value: string, expected: string): AppError {
  return new AppError('config.invalid', { field: 'endpoints', value, expected });
}

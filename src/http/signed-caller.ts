import type { Request } from 'express';
import type { Verify } from '../consensus/keys.ts';
import { type HttpRequest, REPLAY_MEMORY_MS, verifyRequest } from '../consensus/signed-request.ts';
import { AppError } from '../errors.ts';

/** Admits requests that a hotkey signed, in the form of the subnet's existing services. */
export type SignedCallers = Readonly<{
  /**
   * The hotkey that signed the request. `authorise` throws where that hotkey may not do what it asks. Throws
   * `request.unauthorized` for a request without a fresh signature, `request.conflict` for one that came before.
   */
  admit: (
    req: Pick<Request, 'method' | 'headers' | 'originalUrl'>,
    body: HttpRequest['body'],
    authorise: (hotkey: string) => Promise<void> | void,
  ) => Promise<string>;
}>;

/** The body of a request without one. */
export const NO_BODY = new Uint8Array(0);

/**
 * Keys of requests that are remembered of one caller at once, two for each request that changes something: seventeen
 * such requests a second. Beyond that a request cannot be told from a replay, and is answered as one.
 */
const MAX_KEYS_PER_CALLER = 4_096;

/** What is remembered is bounded by who is authorised, and a subnet has 256 neurons. */
const MAX_CALLERS = 256;

export function createSignedCallers(deps: {
  verify: Verify;
  isHotkey: (text: string) => boolean;
  /** Unix time in milliseconds. */
  nowMs?: () => number;
}): SignedCallers {
  const { verify, isHotkey, nowMs = Date.now } = deps;
  const memory = replayMemory(nowMs);
  return {
    admit: async (req, body, authorise) => {
      const request = requestOf(req, body);
      if (request === null) throw unauthorized('invalid signature');
      const keys: string[] = [];
      // Only whoever is authorised is remembered, so that strangers cannot fill the memory.
      const firstUse = (key: string): boolean => keys.push(key) > 0;
      const found = verifyRequest(req.headers, request, {
        nowMs: nowMs(),
        verify,
        isHotkey,
        firstUse,
      });
      if (!found.ok) throw unauthorized(found.detail);
      await authorise(found.hotkey);
      if (!memory.firstUse(found.hotkey, keys))
        throw new AppError('request.conflict', { detail: 'replayed request' });
      return found.hotkey;
    },
  };
}

/** What was signed names the path that was asked for; null where that path has another reading as a URL. */
function requestOf(
  { method, originalUrl }: Pick<Request, 'method' | 'originalUrl'>,
  body: HttpRequest['body'],
): HttpRequest | null {
  const url = URL.parse(`http://localhost${originalUrl}`);
  const asked = originalUrl.split('?', 1)[0];
  return url === null || url.host !== 'localhost' || url.pathname !== asked
    ? null
    : { method, url, body };
}

/** Which requests came before, until their signatures are stale. */
function replayMemory(nowMs: () => number) {
  const callers = new Map<string, Map<string, number>>();
  const forget = (atMs: number): void => {
    for (const [hotkey, keys] of callers) {
      // A map iterates in the order of insertion: the first that is still fresh ends the search.
      for (const [key, untilMs] of keys) {
        if (untilMs > atMs) break;
        keys.delete(key);
      }
      if (keys.size === 0) callers.delete(hotkey);
    }
  };
  return {
    /** Remembers a request's keys; false, and nothing is remembered, where one came before or there is no room. */
    firstUse: (hotkey: string, keys: readonly string[]): boolean => {
      if (keys.length === 0) return true;
      const atMs = nowMs();
      forget(atMs);
      const known = callers.get(hotkey) ?? new Map<string, number>();
      const noRoom =
        known.size + keys.length > MAX_KEYS_PER_CALLER ||
        (callers.size >= MAX_CALLERS && !callers.has(hotkey));
      if (noRoom || keys.some((key) => known.has(key))) return false;
      for (const key of keys) known.set(key, atMs + REPLAY_MEMORY_MS);
      callers.set(hotkey, known);
      return true;
    },
  };
}

function unauthorized(detail: string): AppError {
  return new AppError('request.unauthorized', { detail });
}

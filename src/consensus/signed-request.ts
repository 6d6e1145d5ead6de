import { AppError } from '../errors.ts';
import { sha256 } from '../events/hash.ts';
import { instantOf } from './instant.ts';
import type { Signer, Verify } from './keys.ts';

/**
 * What goes over the wire: `url` as it was parsed, and the body's very bytes, or their SHA-256 in lower-case hex where
 * they are too many to be held.
 */
export type HttpRequest = Readonly<{
  method: string;
  url: URL;
  body: Uint8Array | Readonly<{ sha256: string }>;
}>;

/** The headers of a received request by lower-case name. What came more than once counts as missing. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** A verified sender, or the answer that the existing services give instead. */
export type RequestCheck =
  | { readonly ok: true; readonly hotkey: string }
  | { readonly ok: false; readonly status: 401 | 409; readonly detail: string };

/** A request is older, or newer, by the receiver's clock than this: it is stale. Both ends share the figure. */
export const REQUEST_TTL_MS = 60_000;

/**
 * How long a receiver has to remember a request: one whose timestamp lies ahead by the whole window stays
 * fresh for twice that long.
 */
export const REPLAY_MEMORY_MS = 2 * REQUEST_TTL_MS;

/**
 * The headers that sign a request for the subnet's existing services. `timestamp` is ISO 8601 with offset.
 * The signature covers neither host nor query nor request id, so it is for those services only.
 * Throws `input.invalid` for a request that has no unambiguous form.
 */
export function signRequest(
  signer: Signer,
  request: HttpRequest,
  { timestamp, requestId }: Readonly<{ timestamp: string; requestId: string }>,
): Readonly<Record<'X-Hotkey' | 'X-Signature' | 'X-Timestamp' | 'X-Request-Id', string>> {
  const message = canonicalRequest(request, timestamp);
  if (message === null || instantOf(timestamp) === null)
    throw new AppError('input.invalid', {
      field: 'request',
      value: `${request.method} ${request.url.pathname} ${timestamp}`,
      expected: 'a method, a path that decodes to text without ? and #, and a time with offset',
    });
  return {
    'X-Hotkey': signer.hotkey,
    'X-Signature': `0x${signer.sign(message)}`,
    'X-Timestamp': timestamp,
    'X-Request-Id': requestId,
  };
}

/**
 * Checks a request as the existing services do, in their order: headers, time, age, hotkey, signature,
 * replay. Only the raw message counts, not its `<Bytes>` form. `firstUse` remembers a key for
 * `REPLAY_MEMORY_MS`; it is asked last, so that strangers cannot fill it. Whether the hotkey may do what it asks
 * is the caller's question. Never throws.
 */
export function verifyRequest(
  headers: RequestHeaders,
  request: HttpRequest,
  deps: Readonly<{
    nowMs: number;
    verify: Verify;
    isHotkey: (text: string) => boolean;
    /** True once for a key, false when it was asked before. */
    firstUse: (key: string) => boolean;
  }>,
): RequestCheck {
  const [hotkey, signature, timestamp] = SIGNED_HEADERS.map((name) => headers[name]);
  if (!isText(hotkey) || !isText(signature) || !isText(timestamp))
    return unauthorized('missing signature headers');
  const sentMs = instantOf(timestamp);
  if (sentMs === null) return unauthorized('invalid timestamp');
  if (Math.abs(deps.nowMs - sentMs) > REQUEST_TTL_MS) return unauthorized('stale timestamp');
  if (!deps.isHotkey(hotkey)) return unauthorized('invalid hotkey');
  const message = canonicalRequest(request, timestamp);
  const digits = /^0x([0-9a-f]{128})$/i.exec(signature)?.[1]?.toLowerCase();
  if (message === null || digits === undefined || !deps.verify(message, digits, hotkey))
    return unauthorized('invalid signature');
  const keys = replayKeys(request, { hotkey, digits, timestamp, id: headers['x-request-id'] });
  if (keys.map(deps.firstUse).includes(false))
    return { ok: false, status: 409, detail: 'replayed request' };
  return { ok: true, hotkey };
}

/**
 * What is signed: method in upper case, decoded path without query, SHA-256 of the body in lower-case hex and
 * the timestamp as it is sent, without separators. Null for a request that a receiver could read
 * otherwise: a path that is no UTF-8, or in which decoding brings a `?`, a `#` or a control character to light.
 */
export function canonicalRequest(
  { method, url, body }: HttpRequest,
  timestamp: string,
): Uint8Array | null {
  const path = decodedPath(url);
  if (path === null || !/^[a-z]+$/i.test(method)) return null;
  const digest = body instanceof Uint8Array ? sha256(body) : body.sha256;
  return Buffer.from(`${method.toUpperCase()}${path}${digest}${timestamp}`);
}

const SIGNED_HEADERS = ['x-hotkey', 'x-signature', 'x-timestamp'] as const;

/** They change nothing, so a second one does no harm. */
const SAFE_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS'];

function isText(value: RequestHeaders[string]): value is string {
  return typeof value === 'string' && value !== '';
}

function decodedPath({ pathname }: URL): string | null {
  let path: string;
  try {
    path = decodeURIComponent(pathname);
  } catch {
    // A path that is no percent-encoded UTF-8 has no signed form.
    return null;
  }
  return /[?#\p{Cc}]/u.test(path) ? null : path;
}

/**
 * A request is known by its request id and, because nobody signed that, by its signature as well: a captured
 * request does not pass a second time under a new id. The latter is the services' own key where there is no id.
 */
function replayKeys(
  { method, url }: HttpRequest,
  {
    hotkey,
    digits,
    timestamp,
    id,
  }: { hotkey: string; digits: string; timestamp: string; id: RequestHeaders[string] },
): readonly string[] {
  const verb = method.toUpperCase();
  if (SAFE_METHODS.includes(verb)) return [];
  const own = sha256(`${hotkey}:0x${digits}:${timestamp}:${verb}:${decodedPath(url)}`);
  return [...(isText(id) ? [id] : []), own].map((key) => `${hotkey}:${key}`);
}

function unauthorized(detail: string): RequestCheck {
  return { ok: false, status: 401, detail };
}

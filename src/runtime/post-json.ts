import { wait } from './clock.ts';

/** What came of a request to a service that the operator chose. */
export type Posted =
  | Readonly<{ kind: 'ok'; body: unknown }>
  | Readonly<{ kind: 'refused'; status: number; detail: string }>
  | Readonly<{ kind: 'unavailable'; detail: string }>;

export type PostOptions = Readonly<{
  headers: Readonly<Record<string, string>>;
  timeoutMs: number;
  /** How often a service that is busy or not reached is asked again. */
  retries: number;
  signal: AbortSignal;
  /** Before the first repetition; twice as long before each further one. */
  retryMs?: number;
}>;

/** Documents of services are texts of a few KiB; an answer with its sources stays under this. */
const MAX_ANSWER_BYTES = 8 * 1_024 * 1_024;
const MAX_DETAIL_LENGTH = 200;
const RETRY_MS = 1_000;

/** Statuses that pass. */
const PASSING = new Set([408, 429, 500, 502, 503, 504]);

/**
 * Posts JSON and reads JSON. A service that is busy, fails or is not reached is asked again, and is `unavailable` in the
 * end; any other status is its word. Redirects are not followed: keys are for this address. Never throws for the other
 * side's faults.
 */
export async function postJson(url: string, text: string, options: PostOptions): Promise<Posted> {
  for (let attempt = 0; ; attempt++) {
    const posted = await postOnce(url, text, options);
    if (posted.kind !== 'unavailable' || attempt >= options.retries || options.signal.aborted)
      return posted;
    await wait((options.retryMs ?? RETRY_MS) * 2 ** attempt, options.signal);
  }
}

async function postOnce(
  url: string,
  body: string,
  { headers, timeoutMs, signal }: PostOptions,
): Promise<Posted> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/json', ...headers },
      body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    const text = await readText(response);
    if (text === null) return unavailable(`an answer of more than ${MAX_ANSWER_BYTES} bytes`);
    const detail = `${response.status} ${text.slice(0, MAX_DETAIL_LENGTH)}`;
    if (PASSING.has(response.status)) return unavailable(detail);
    if (response.status < 200 || response.status > 299)
      return { kind: 'refused', status: response.status, detail };
    return { kind: 'ok', body: JSON.parse(text) };
  } catch (error) {
    return unavailable(reasonOf(error));
  }
}

async function readText(response: Response): Promise<string | null> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    bytes += piece.length;
    if (bytes > MAX_ANSWER_BYTES) return null;
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

/** An error's own words and those of its cause; neither names the address, which may hold a key. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  const code = cause instanceof Error && 'code' in cause ? `: ${String(cause.code)}` : '';
  return `${error.message}${code}`;
}

function unavailable(detail: string): Posted {
  return { kind: 'unavailable', detail };
}

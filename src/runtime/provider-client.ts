import { z } from 'zod';
import type { AskProvider, ProviderAnswer } from '../handlers/proxy/provider-port.ts';
import { wait } from './clock.ts';

/** A provider as the proxy reaches it. */
export type ProviderAddress = Readonly<{
  name: string;
  /** The whole URL of its chat completions. The operator chose it: it may be anywhere. */
  url: string;
  /** Null for one that asks for none. */
  key: string | null;
}>;

/** The longest that a provider is heard for a whole answer, however often it is asked and whatever its caller waits. */
const ANSWER_TIMEOUT_MS = 300_000;

/** A long answer of a model has under 1 MiB. */
const MAX_ANSWER_BYTES = 8 * 1_024 * 1_024;

/** In parts, of which each has some hundred bytes around it, the most tokens that may be asked for have 40 MiB. */
const MAX_STREAM_BYTES = 128 * 1_024 * 1_024;

/** How often a provider that is busy, or not reached, is asked in all, and what is waited before the second time. */
const MAX_ATTEMPTS = 3;
const RETRY_BASE_MS = 1_000;

/** Statuses that pass: too many requests, and what stands in front of a service that restarts. */
const PASSING = new Set([429, 502, 503, 504]);

/** Characters of a provider's own words on a failure. */
const MAX_DETAIL_LENGTH = 200;

/**
 * Asks providers over HTTP in OpenAI's form. One that says that it is busy, or is not reached, is asked again; one that
 * began to answer is not, because it may charge for both. Never throws for the other side's faults.
 */
export function providerClient(
  providers: readonly ProviderAddress[],
  {
    signal,
    retryBaseMs = RETRY_BASE_MS,
    answerTimeoutMs = ANSWER_TIMEOUT_MS,
  }: Readonly<{ signal: AbortSignal; retryBaseMs?: number; answerTimeoutMs?: number }>,
): AskProvider {
  return async (name, payload, unwanted) => {
    const provider = providers.find((each) => each.name === name);
    if (provider === undefined) return { kind: 'unreachable', detail: 'no such provider' };
    const limit = AbortSignal.any([signal, unwanted, AbortSignal.timeout(answerTimeoutMs)]);
    for (let attempt = 1; ; attempt++) {
      const answer = await askOnce(provider, payload, limit);
      const passing =
        answer.kind === 'unreachable' || (answer.kind === 'refused' && PASSING.has(answer.status));
      if (!passing || attempt === MAX_ATTEMPTS) return answer;
      await wait(retryBaseMs * 2 ** (attempt - 1), limit);
      if (limit.aborted) return answer;
    }
  };
}

async function askOnce(
  { url, key }: ProviderAddress,
  payload: Readonly<Record<string, unknown>>,
  limit: AbortSignal,
): Promise<ProviderAnswer> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      redirect: 'manual', // the key is for this address
      headers: {
        'Content-Type': 'application/json',
        ...(key === null ? {} : { Authorization: `Bearer ${key}` }),
      },
      body: JSON.stringify(payload),
      signal: limit,
    });
  } catch (error) {
    // A request that was cut may have been taken: what it costs is unknown.
    return { kind: neverArrived(error) ? 'unreachable' : 'broken', detail: messageOf(error) };
  }
  if (response.status !== 200) return refusal(response);
  const streams = (response.headers.get('content-type') ?? '').startsWith('text/event-stream');
  if (streams && response.body !== null)
    return { kind: 'streaming', parts: bounded(response.body, MAX_STREAM_BYTES) };
  return readAnswer(response);
}

/** Codes of a connection that never was. */
const NO_CONNECTION = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'UND_ERR_CONNECT_TIMEOUT',
]);

function neverArrived(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && NO_CONNECTION.has(String(cause.code));
}

async function refusal(response: Response): Promise<ProviderAnswer> {
  const { status } = response;
  const detail = await readText(response).then(
    (text) => text.slice(0, MAX_DETAIL_LENGTH),
    (error: unknown) => messageOf(error),
  );
  return { kind: 'refused', status, detail };
}

async function readAnswer(response: Response): Promise<ProviderAnswer> {
  try {
    return {
      kind: 'answered',
      body: z.looseObject({}).parse(JSON.parse(await readText(response))),
    };
  } catch (error) {
    return { kind: 'broken', detail: messageOf(error) };
  }
}

async function readText(response: Response): Promise<string> {
  if (response.body === null) return '';
  const parts: Uint8Array[] = [];
  for await (const part of bounded(response.body, MAX_ANSWER_BYTES)) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

/** A body that ends with an error where it has more bytes than any answer. */
async function* bounded(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Uint8Array, void> {
  let bytes = 0;
  for await (const part of body) {
    bytes += part.length;
    if (bytes > maxBytes) throw new RangeError(`more than ${maxBytes} bytes of an answer`);
    yield part;
  }
}

/** What fetch throws says `fetch failed`; why, its cause says. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return (cause instanceof Error ? cause.message : error.message).slice(0, MAX_DETAIL_LENGTH);
}

import { z } from 'zod';
import {
  type OracleConfig,
  type OracleQuestion,
  oracleReply,
  oracleRequest,
  SEARCH_COST,
} from '../evaluation/oracles.ts';
import { costIfKnown, type PriceTable, priceOf } from '../evaluation/prices.ts';
import {
  type OracleAnswer,
  readReconciled,
  reconcileRequest,
  type Vendor,
} from '../evaluation/reconciler.ts';
import type { Oracles, Unavailable } from '../handlers/evaluation/ports.ts';
import { postJson } from './post-json.ts';

/** One model that is asked: its address, and its key. */
export type OracleAddress = OracleConfig & Readonly<{ key: string; timeoutMs: number }>;

/** Who reconciles: any service of the chat completions form. */
export type ReconcilerAddress = Omit<OracleAddress, 'vendor'> & Readonly<{ provider: string }>;

/** A vendor is asked three times in all. */
const RETRIES = 2;
const RETRY_MS = 500;

/** The oracles over HTTP. Keys go into headers, never into a URL. */
export function oracleClients({
  oracles,
  reconciler,
  preferred,
  prices,
  retryMs = RETRY_MS,
}: Readonly<{
  oracles: readonly OracleAddress[];
  reconciler: ReconcilerAddress;
  preferred: Vendor;
  prices: PriceTable;
  retryMs?: number;
}>): Oracles {
  const first = oracles.find(({ vendor }) => vendor === preferred) ?? oracles[0];
  return {
    preferred,
    askAll: async (question, signal) => {
      const all = await Promise.all(
        oracles.map((each) => askOne(each, question, { prices, retryMs, signal })),
      );
      return {
        answers: all.flatMap((each) => (each.kind === 'ok' ? [each.answer] : [])),
        failures: all.flatMap((each) => (each.kind === 'ok' ? [] : [each.detail])),
      };
    },
    askPreferred: async (question, signal) =>
      first === undefined
        ? { kind: 'unavailable', detail: 'no oracle is configured' }
        : askOne(first, question, { prices, retryMs, signal }),
    reconcile: async (asked, signal) => {
      const { model, maxTokens, baseUrl, key, timeoutMs, provider } = reconciler;
      const body = JSON.stringify(reconcileRequest(model, maxTokens, asked));
      const headers = { authorization: `Bearer ${key}` };
      const options = { headers, timeoutMs, retries: RETRIES, retryMs, signal };
      const posted = await postJson(`${baseUrl}/chat/completions`, body, options);
      if (posted.kind !== 'ok') return { kind: 'unavailable', detail: posted.detail };
      const { text, usage } = completionOf(posted.body);
      const reconciled = text === null ? null : readReconciled(text);
      if (reconciled === null)
        return { kind: 'unavailable', detail: 'what it wrote is no reconciliation' };
      const price = priceOf(prices, provider, model);
      return {
        kind: 'ok',
        reconciled,
        cost: costIfKnown(price, usage),
      };
    },
  };
}

async function askOne(
  address: OracleAddress,
  question: OracleQuestion,
  {
    prices,
    retryMs,
    signal,
  }: Readonly<{ prices: PriceTable; retryMs: number; signal: AbortSignal }>,
): Promise<Readonly<{ kind: 'ok'; answer: OracleAnswer }> | Unavailable> {
  const { vendor, key, timeoutMs } = address;
  const { url, body } = oracleRequest(address, question);
  const headers: Readonly<Record<string, string>> =
    vendor === 'gemini' ? { 'x-goog-api-key': key } : { authorization: `Bearer ${key}` };
  const options = { headers, timeoutMs, retries: RETRIES, retryMs, signal };
  const posted = await postJson(url, JSON.stringify(body), options);
  if (posted.kind !== 'ok') return unavailable(`${vendor}: ${posted.detail}`);
  const reply = oracleReply(address, posted.body);
  if (reply.kind !== 'ok') return unavailable(`${vendor}: ${reply.kind}, ${reply.detail}`);
  const { answer, citations, usage, searches } = reply;
  const price = priceOf(prices, vendor, address.model);
  const tokens = costIfKnown(price, usage);
  const cost = reply.cost ?? (tokens === null ? null : tokens + searches * SEARCH_COST[vendor]);
  return { kind: 'ok', answer: { vendor, answer, citations, cost } };
}

/** The text and the tokens of a chat completion, each null where it is not there. */
function completionOf(body: unknown): Readonly<{
  text: string | null;
  usage: Readonly<{ prompt: number; cached: number; completion: number }> | null;
}> {
  const parsed = Completion.safeParse(body);
  if (!parsed.success) return { text: null, usage: null };
  const { choices, usage } = parsed.data;
  return {
    text: choices[0]?.message.content ?? null,
    usage: usage
      ? { prompt: usage.prompt_tokens, cached: 0, completion: usage.completion_tokens }
      : null,
  };
}

const Count = z.int().min(0);
const Completion = z.looseObject({
  choices: z.array(z.looseObject({ message: z.looseObject({ content: z.string().nullish() }) })),
  usage: z.looseObject({ prompt_tokens: Count, completion_tokens: Count }).nullish(),
});

function unavailable(detail: string): Unavailable {
  return { kind: 'unavailable', detail };
}

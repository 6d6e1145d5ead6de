import { type ChatCall, usageIn } from '../../evaluation/chat-call.ts';
import {
  costOf,
  type ModelPrice,
  type PriceTable,
  type TokenUsage,
} from '../../evaluation/prices.ts';
import { detailOf } from '../../events/scalars.ts';
import type { JobState, LedgerClient, MeteredCost } from '../ledger/ledger-port.ts';
import { decideCall } from './decide-call.ts';
import type { AskProvider, Provider, ProviderAnswer } from './provider-port.ts';
import type { Reservations } from './reservations.ts';
import { lastDataOf, type StreamEnd, watchStream } from './watch-stream.ts';

export type ProxyDeps = Readonly<{
  providers: readonly Provider[];
  prices: PriceTable;
  ask: AskProvider;
  ledger: Pick<LedgerClient, 'readJob' | 'meter'>;
  reservations: Reservations;
  /** Milliseconds since 1970. */
  nowMs: () => number;
  /** A name that no other call has. */
  newCall: () => string;
}>;

/** What a call is answered with. Nothing of an answer is released before the ledger has what it cost. */
export type ChatOutcome =
  | Readonly<{ kind: 'answer'; body: unknown; metered: MeteredCost; job: JobState }>
  /** Parts as they come; the last one, which ends the answer, comes once the call is metered. */
  | Readonly<{ kind: 'stream'; parts: AsyncIterable<Uint8Array> }>
  | Readonly<{ kind: 'refused'; status: 400 | 403 | 404 | 429 | 502 | 503; detail: string }>;

/**
 * Makes one call of a model for a job: decides, asks the provider, attests what it cost, and only then answers. Once
 * the provider was asked it is heard to its end, whether the caller still waits or not: a caller that leaves must not
 * make a cost unknown.
 */
export async function completeChat(
  call: ChatCall,
  { job, callerBudget }: Readonly<{ job: string; callerBudget: number | null }>,
  deps: ProxyDeps,
): Promise<ChatOutcome> {
  const { ledger, reservations, nowMs } = deps;
  const read = await ledger.readJob(job);
  if (read.kind !== 'ok') return refused(503, `the ledger does not answer: ${read.detail}`);
  const underWay = { ofJob: reservations.calls(job), all: reservations.all() };
  const view = {
    job: read.job,
    nowMs: nowMs(),
    held: reservations.held(job),
    underWay,
    callerBudget,
  };
  const decision = decideCall(call, view, deps);
  if (decision.kind === 'refuse') return { ...decision, kind: 'refused' };
  if (read.job === null) return refused(404, 'job not found');

  const held = reservations.hold(job, decision.most);
  const startedMs = nowMs();
  const meter = async (end: CallEnd): Promise<MeteredCost | null> => {
    const metered = meteredCost(call, end, {
      ...decision,
      call: deps.newCall(),
      job,
      prices: deps.prices.version,
      latencyMs: Math.max(0, Math.round(nowMs() - startedMs)),
    });
    return (await ledger.meter(metered)).kind === 'ok' ? metered : null;
  };
  const answer = await deps.ask(decision.provider, call.payload);
  if (answer.kind === 'streaming')
    return { kind: 'stream', parts: meteredStream(answer.parts, { meter, held }) };
  using _held = held;
  const metered = await meter(endOf(answer));
  if (metered === null) return refused(503, 'the ledger did not take what the call cost');
  if (answer.kind === 'answered')
    return { kind: 'answer', body: answer.body, metered, job: read.job };
  return refused(502, failureText(answer));
}

/** What a call took: unknown where the provider did not say, or broke off. */
type CallEnd = Readonly<{ usage: TokenUsage | null; charged: boolean; error: string | null }>;

function endOf(answer: Exclude<ProviderAnswer, { kind: 'streaming' }>): CallEnd {
  switch (answer.kind) {
    case 'answered':
      return { usage: usageIn(answer.body), charged: true, error: null };
    case 'broken':
      return { usage: null, charged: true, error: answer.detail };
    case 'refused':
    case 'unreachable':
      return { usage: null, charged: false, error: failureText(answer) };
  }
}

function failureText(answer: Exclude<ProviderAnswer, { kind: 'streaming' | 'answered' }>): string {
  return answer.kind === 'refused'
    ? `provider upstream error (${answer.status})`
    : `provider upstream error (${answer.kind}: ${answer.detail})`;
}

function meteredCost(
  { model }: ChatCall,
  { usage, charged, error }: CallEnd,
  of: Readonly<{
    provider: string;
    price: ModelPrice | null;
    call: string;
    job: string;
    prices: string;
    latencyMs: number;
  }>,
): MeteredCost {
  const { provider, price, call, job, prices, latencyMs } = of;
  const known = usage === null || price === null ? null : costOf(price, usage);
  return {
    call,
    job,
    provider,
    model,
    promptTokens: usage?.prompt ?? null,
    cachedTokens: usage?.cached ?? null,
    completionTokens: usage?.completion ?? null,
    latencyMs,
    cost: charged ? known : 0,
    prices,
    status: error === null ? 'ok' : 'error',
    error: error === null ? null : detailOf(error),
  };
}

/**
 * The parts of a stream as they come. What ends it, and with it the answer, is held back until the call is metered; a
 * stream that can't be metered breaks off instead. It goes on without its reader, who may have left.
 */
function meteredStream(
  parts: AsyncIterable<Uint8Array>,
  {
    meter,
    held,
  }: Readonly<{ meter: (end: CallEnd) => Promise<MeteredCost | null>; held: Disposable }>,
): AsyncIterable<Uint8Array> {
  return watchStream(parts, async (end) => {
    using _held = held;
    return (await meter(streamEnd(end))) !== null;
  });
}

function streamEnd({ whole, tail, error }: StreamEnd): CallEnd {
  return { usage: usageIn(lastDataOf(tail)), charged: true, error: whole ? null : error };
}

function refused(status: 404 | 502 | 503, detail: string): ChatOutcome {
  return { kind: 'refused', status, detail };
}

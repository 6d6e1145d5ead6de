import { usageIn } from '../../evaluation/chat-call.ts';
import { costIfKnown, type ModelPrice, type TokenUsage } from '../../evaluation/prices.ts';
import { detailOf } from '../../events/scalars.ts';
import type { MeteredCost, ReservedCost } from '../ledger/ledger-port.ts';
import type { ProviderAnswer } from './provider-port.ts';
import { lastDataOf, type StreamEnd } from './watch-stream.ts';

/** What a call took: unknown where the provider did not say, or broke off. */
export type CallEnd = Readonly<{
  usage: TokenUsage | null;
  /** Whether the provider may charge for it. */
  charged: boolean;
  error: string | null;
}>;

/** The end of a call that was answered in one piece, or not at all. */
export function endOf(answer: Exclude<ProviderAnswer, { kind: 'streaming' }>): CallEnd {
  switch (answer.kind) {
    case 'answered':
      return { usage: usageIn(answer.body), charged: true, error: null };
    case 'broken':
      return { usage: null, charged: true, error: answer.detail };
    case 'refused':
      return { usage: null, charged: false, error: failureText(answer) };
    case 'unreachable':
      return { usage: null, charged: false, error: `${failureText(answer)}: ${answer.detail}` };
  }
}

/** The end of a call that was answered in parts. */
export function endOfStream({ whole, tail, error }: StreamEnd): CallEnd {
  return { usage: usageIn(lastDataOf(tail)), charged: true, error: whole ? null : error };
}

/** How a failure is told to the caller, who does not hear where the provider is. */
export function failureText(
  answer: Exclude<ProviderAnswer, { kind: 'streaming' | 'answered' }>,
): string {
  return `provider upstream error (${answer.kind === 'refused' ? answer.status : answer.kind})`;
}

/**
 * What is put down for a call. Where its cost is unknown it says by whose doing: `fault` is whose it is that no figures
 * came, unless the model has no price, and then nobody's.
 */
export function meteredCost(
  { call, job, provider, model, prices }: ReservedCost,
  { usage, charged, error }: CallEnd,
  at: Readonly<{
    price: ModelPrice | null;
    latencyMs: number;
    fault: 'caller' | 'provider' | 'proxy';
  }>,
): MeteredCost {
  const cost = charged ? costIfKnown(at.price, usage) : 0;
  const unknown = at.price === null ? 'unpriced' : at.fault;
  return {
    call,
    job,
    provider,
    model,
    promptTokens: usage?.prompt ?? null,
    cachedTokens: usage?.cached ?? null,
    completionTokens: usage?.completion ?? null,
    latencyMs: at.latencyMs,
    cost,
    unknown: cost === null ? unknown : null,
    prices,
    status: error === null ? 'ok' : 'error',
    error: error === null ? null : detailOf(error),
  };
}

/** Of a call that was reserved, or may have been, and then not made. */
export const NEVER_MADE: CallEnd = {
  usage: null,
  charged: false,
  error: 'the model was not asked',
};

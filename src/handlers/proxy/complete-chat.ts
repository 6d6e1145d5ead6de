import type { ChatCall } from '../../evaluation/chat-call.ts';
import type { ModelPrice, PriceTable } from '../../evaluation/prices.ts';
import type { JobState, LedgerClient, MeteredCost, ReservedCost } from '../ledger/ledger-port.ts';
import type { Reservations } from '../reservations.ts';
import { type SeenJob, seeJob } from '../see-job.ts';
import {
  type CallEnd,
  endOf,
  endOfStream,
  failureText,
  meteredCost,
  NEVER_MADE,
} from './call-end.ts';
import { decideCall } from './decide-call.ts';
import { hearOut } from './hear-out.ts';
import type { AskProvider, Provider } from './provider-port.ts';
import { reserveCall, type SettleDeps, settleCall } from './settle-call.ts';
import { watchStream } from './watch-stream.ts';

export type ProxyDeps = SettleDeps &
  Readonly<{
    providers: readonly Provider[];
    prices: PriceTable;
    ask: AskProvider;
    ledger: Pick<LedgerClient, 'readJob' | 'reserve' | 'meter'>;
    reservations: Reservations;
    /** Milliseconds since 1970. */
    nowMs: () => number;
    /** A name that no other call has. */
    newCall: () => string;
  }>;

/** What a call is answered with. Nothing of an answer is released before the ledger has the call as pending. */
export type ChatOutcome =
  /** Released once the ledger has what it cost. */
  | Readonly<{ kind: 'answer'; body: unknown; metered: MeteredCost; job: JobState }>
  /** Parts as they come; what ends the answer comes once the call is metered. */
  | Readonly<{ kind: 'stream'; parts: AsyncIterable<Uint8Array> }>
  | Readonly<{ kind: 'refused'; status: 400 | 403 | 404 | 429 | 502 | 503; detail: string }>;

export type Caller = Readonly<{
  job: string;
  /** What the caller itself allows the whole job, in 1e-9 USD; null where it says nothing. */
  callerBudget: number | null;
  /** What the ledger told of the job when the call was let in, if it did. */
  seen: SeenJob | null;
  /** Aborts when it hangs up, or its own time is over. */
  left: AbortSignal;
}>;

/**
 * Makes one call of a model for a job: decides, puts it down as pending, asks the provider, puts down what it cost, and
 * only then ends its answer. Once the provider was asked it is heard to its end, whether the caller still waits or not,
 * and the ledger takes what it cost, whether the job is still open or not: a caller that leaves, or ends its turn, makes
 * no call free.
 */
export async function completeChat(
  call: ChatCall,
  caller: Caller,
  deps: ProxyDeps,
): Promise<ChatOutcome> {
  const begun = await begin(call, caller, deps);
  if (begun.kind === 'refused') return begun;
  const { reserved, held, job, price } = begun;
  const startedMs = deps.nowMs();
  const heard = hearOut(caller, deps);
  const settle = async (end: CallEnd): Promise<MeteredCost | null> => {
    using _heard = heard;
    const latencyMs = Math.max(0, Math.round(deps.nowMs() - startedMs));
    const overlong = latencyMs >= LONG_MS && call.maxTokens > TOKENS_IN_TIME;
    const fault = overlong ? 'caller' : heard.fault();
    const metered = meteredCost(reserved, end, { price, latencyMs, fault });
    return (await settleCall(metered, held, deps)) ? metered : null;
  };
  switch (await reserveCall(reserved, deps)) {
    case 'refused':
      heard[Symbol.dispose]();
      held[Symbol.dispose]();
      return refused(403, 'job is closed');
    case 'unavailable':
      void settle(NEVER_MADE);
      return refused(503, 'the ledger did not take the call');
    case 'taken':
  }
  const answer = await deps.ask(reserved.provider, call.payload, heard.signal);
  if (answer.kind === 'streaming') {
    const ended = async (end: Parameters<typeof endOfStream>[0]): Promise<boolean> =>
      (await settle(endOfStream(end))) !== null;
    return { kind: 'stream', parts: watchStream(answer.parts, ended) };
  }
  const metered = await settle(endOf(answer));
  if (metered === null) return refused(503, 'the ledger did not take what the call cost');
  if (answer.kind === 'answered') return { kind: 'answer', body: answer.body, metered, job };
  return refused(502, failureText(answer));
}

/** A provider is heard for five minutes: who then has asked for more than most models say in them did it himself. */
const LONG_MS = 295_000;
const TOKENS_IN_TIME = 8_192;

type Begun =
  | Readonly<{
      kind: 'begun';
      reserved: ReservedCost;
      held: Disposable;
      job: JobState;
      price: ModelPrice | null;
    }>
  | Extract<ChatOutcome, { kind: 'refused' }>;

/**
 * How long the ledger's word of a job is good for: the body of a call may take longer. What tools spend meanwhile, and
 * have not attested, is not in it.
 */
const FRESH_MS = 100;

/** Decides on a call, and holds the most that it can cost in the same moment. */
async function begin(
  call: ChatCall,
  { job, callerBudget, seen }: Caller,
  deps: ProxyDeps,
): Promise<Begun> {
  const { reservations, nowMs } = deps;
  using before = seen;
  const fresh = before !== null && nowMs() - before.askedMs < FRESH_MS;
  const found = fresh ? { kind: 'seen' as const, seen: before } : await seeJob(job, deps);
  if (found.kind === 'refused') return found;
  using read = found.seen;
  const held = read.held();
  const underWay = reservations.underWay(job);
  const view = { job: read.job, nowMs: nowMs(), held, underWay, callerBudget };
  const decision = decideCall(call, view, deps);
  if (decision.kind === 'refuse') return { ...decision, kind: 'refused' };
  if (read.job === null) return refused(404, 'job not found');
  const { provider, price, most } = decision;
  const reserved = {
    call: deps.newCall(),
    job,
    provider,
    model: call.model,
    most: price === null ? null : most,
    prices: deps.prices.version,
  };
  return {
    kind: 'begun',
    reserved,
    held: reservations.hold(job, reserved.call, most),
    job: read.job,
    price,
  };
}

function refused(
  status: 403 | 404 | 502 | 503,
  detail: string,
): Extract<ChatOutcome, { kind: 'refused' }> {
  return { kind: 'refused', status, detail };
}

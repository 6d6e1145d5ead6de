import { type ChatCall, mostTokens } from '../../evaluation/chat-call.ts';
import { costOf, type ModelPrice, type PriceTable, priceOf } from '../../evaluation/prices.ts';
import type { JobState } from '../ledger/ledger-port.ts';
import type { Provider } from './provider-port.ts';

/** What the proxy knows when a call comes. */
export type CallView = Readonly<{
  job: JobState | null;
  nowMs: number;
  /** In 1e-9 USD by the names of the job's calls, of those that are under way here. */
  held: ReadonlyMap<string, number>;
  /** Calls under way of the miner, whatever became of the jobs that they are of. */
  underWay: number;
  /** What the caller itself allows the whole job, in 1e-9 USD: it can only lower the budget. Null where it says nothing. */
  callerBudget: number | null;
}>;

export type CallDecision =
  | Readonly<{
      kind: 'ask';
      provider: string;
      price: ModelPrice | null;
      /** The most that it can cost, in 1e-9 USD, held until it is metered; 0 for a model without a price. */
      most: number;
    }>
  | Readonly<{ kind: 'refuse'; status: 400 | 403 | 404 | 429; detail: string }>;

/**
 * Calls of one miner under way at once: a task's turn is no load test. With as many miners as are asked at once it
 * bounds all calls, so that what one miner does takes no place from another.
 */
const MAX_CALLS_OF_MINER = 8;

/**
 * Calls of models for one job: one every two seconds of the longest turn, and each takes seconds. Every look at a job
 * reads all its calls: of thousands, which cost next to nothing where each asks for one token, it would take the
 * ledger's time from every other miner.
 */
const MAX_MODEL_CALLS = 300;

/**
 * Whether a call is made: for an open job whose time is not over, to a provider that has the model at a known price
 * (or is configured without), when what was spent, the most that the calls under way can cost, and the most that this
 * one can, stay within the budget. A call that is pending at the ledger is under way, also where it is not known here:
 * an earlier process may have begun it. A job of which one call's cost is unknown makes no more calls: its budget could
 * not be kept.
 */
export function decideCall(
  call: ChatCall,
  view: CallView,
  { providers, prices }: Readonly<{ providers: readonly Provider[]; prices: PriceTable }>,
): CallDecision {
  const { job, nowMs, held, underWay, callerBudget } = view;
  if (job === null) return refuse(404, 'job not found');
  if (!job.open || Date.parse(job.expires) <= nowMs) return refuse(403, 'job is closed');
  const chosen = chooseProvider(call, providers, prices);
  if (chosen === null)
    return refuse(400, call.provider === null ? 'unsupported model' : 'unsupported provider');
  if (!chosen.offered) return refuse(400, 'unsupported model');
  if (underWay >= MAX_CALLS_OF_MINER) return refuse(429, 'too many calls of this job at once');
  if (job.modelCalls >= MAX_MODEL_CALLS)
    return refuse(429, `a job makes at most ${MAX_MODEL_CALLS} calls of models`);
  if (job.spent.state === 'unknown')
    return refuse(429, 'run budget exhausted: what was spent is unknown');
  const most = chosen.price === null ? 0 : costOf(chosen.price, mostTokens(call));
  const budget = Math.min(job.budget, callerBudget ?? job.budget);
  if (job.spent.nanoUsd + heldOf(job, held) + most > budget)
    return refuse(429, 'run budget exhausted');
  return { kind: 'ask', provider: chosen.name, price: chosen.price, most };
}

/** The most that the job's calls under way can cost: those that are held here, and those that only the ledger knows. */
function heldOf({ pending }: JobState, held: CallView['held']): number {
  const here = [...held.values()].reduce((sum, amount) => sum + amount, 0);
  return pending
    .filter(({ call }) => !held.has(call))
    .reduce((sum, { most }) => sum + (most ?? 0), here);
}

type Chosen = Readonly<{ name: string; price: ModelPrice | null; offered: boolean }>;

/** The provider that the caller names, else the first that offers the model. */
function chooseProvider(
  { provider, model }: ChatCall,
  providers: readonly Provider[],
  prices: PriceTable,
): Chosen | null {
  const candidates = providers
    .filter(({ name }) => provider === null || name === provider)
    .map(({ name, models, unpriced }): Chosen => {
      const price = priceOf(prices, name, model);
      const offered = (models === null || models.includes(model)) && (price !== null || unpriced);
      return { name, price, offered };
    });
  if (provider !== null) return candidates[0] ?? null;
  return candidates.find(({ offered }) => offered) ?? null;
}

function refuse(status: 400 | 403 | 404 | 429, detail: string): CallDecision {
  return { kind: 'refuse', status, detail };
}

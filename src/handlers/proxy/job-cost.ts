import { usdOf } from '../../evaluation/usd.ts';
import type { JobLedger, LedgerClient } from '../ledger/ledger-port.ts';

/** What a job has cost: amounts in USD; null where an amount is unknown, which is not zero. */
type JobCostFacts = Readonly<{
  cost_usd_used: number | null;
  llm_cost_usd: number | null;
  tool_cost_usd: number;
  /** Null for a job that nobody opened. */
  max_usd_budget: number | null;
  /** Calls of models that are under way: until they are metered their cost, and so that of the job, is unknown. */
  pending_calls: number;
  /** Calls that failed, and so cost nothing. */
  cost_rejections: number;
  per_provider: Readonly<Record<string, number | null>>;
}>;

export type JobCostAnswer =
  | Readonly<{ kind: 'ok'; document: JobCostFacts | null }>
  | Readonly<{ kind: 'unavailable'; detail: string }>;

/** Reads from the ledger what a job has cost; null for a job that nobody opened and nothing was put down to. */
export async function readJobCost(
  job: string,
  ledger: Pick<LedgerClient, 'readJob' | 'readLedger'>,
): Promise<JobCostAnswer> {
  const [state, read] = await Promise.all([ledger.readJob(job), ledger.readLedger(job)]);
  if (state.kind !== 'ok' || read.kind !== 'ok')
    return { kind: 'unavailable', detail: 'the ledger does not answer' };
  const { toolCalls, modelCalls, pending } = read.ledger;
  if (state.job === null && toolCalls.length + modelCalls.length + pending.length === 0)
    return { kind: 'ok', document: null };
  return { kind: 'ok', document: costFacts(read.ledger, state.job?.budget ?? null) };
}

function costFacts(
  { toolCalls, modelCalls, pending }: JobLedger,
  budget: number | null,
): JobCostFacts {
  const calls = [...modelCalls, ...pending.map(({ provider }) => ({ provider, cost: null }))];
  const models = sumOf(calls.map(({ cost }) => cost));
  const tools = sumOf(toolCalls.map(({ cost }) => cost));
  const byProvider = Map.groupBy(calls, ({ provider }) => provider);
  return {
    cost_usd_used: inUsd(sumOf([models, tools])),
    llm_cost_usd: inUsd(models),
    tool_cost_usd: inUsd(tools) ?? 0,
    max_usd_budget: inUsd(budget),
    pending_calls: pending.length,
    cost_rejections: modelCalls.filter(({ status }) => status === 'error').length,
    per_provider: Object.fromEntries(
      [...byProvider].map(([provider, calls]) => [
        provider,
        inUsd(sumOf(calls.map(({ cost }) => cost))),
      ]),
    ),
  };
}

/** A sum with one part unknown is unknown. */
function sumOf(costs: readonly (number | null)[]): number | null {
  return costs.reduce<number | null>(
    (sum, cost) => (sum === null || cost === null ? null : sum + cost),
    0,
  );
}

function inUsd(nano: number | null): number | null {
  return nano === null ? null : usdOf(nano);
}

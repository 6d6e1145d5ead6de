import type { JobCost } from '../../evaluation/job-cost.ts';
import { usdOf } from '../../evaluation/usd.ts';
import type { EventOf } from '../../events/define-event.ts';
import type { CostMetered, CostReserved, ToolCalled } from '../../events/job.ts';
import type { Kept } from '../../projectors/ledger-queries.ts';

type ToolCall = EventOf<typeof ToolCalled>['data'];
type ReservedCost = EventOf<typeof CostReserved>['data'];
type MeteredCost = EventOf<typeof CostMetered>['data'];

/** A row of eirel.md 5.2 as JSON. The arguments are the text that they are, so that a float of Python stays one. */
export function toolCallRow({ data, time }: Kept<ToolCall>): string {
  const { call, job, tool, args, argsHash, result, latencyMs, cost, status, error } = data;
  const begin = JSON.stringify({ id: call, job_id: job, tool_name: tool, args_hash: argsHash });
  const end = JSON.stringify({
    result_digest: result,
    latency_ms: latencyMs,
    cost_usd: cost === null ? null : usdOf(cost),
    status,
    error,
    ts: time,
  });
  return `${begin.slice(0, -1)},"args_json":${args},${end.slice(1)}`;
}

/** The row of a call of a model that is not metered yet. */
export function pendingRow({ data, time }: Kept<ReservedCost>) {
  return {
    call_id: data.call,
    job_id: data.job,
    provider: data.provider,
    model: data.model,
    most_usd: data.most === null ? null : usdOf(data.most),
    prices: data.prices,
    ts: time,
  };
}

/** The row of a call of a model. */
export function modelCallRow({ data, time }: Kept<MeteredCost>) {
  return {
    call_id: data.call,
    job_id: data.job,
    provider: data.provider,
    model: data.model,
    prompt_tokens: data.promptTokens,
    cached_tokens: data.cachedTokens,
    completion_tokens: data.completionTokens,
    latency_ms: data.latencyMs,
    cost_usd: data.cost === null ? null : usdOf(data.cost),
    unknown: data.unknown,
    prices: data.prices,
    status: data.status,
    error: data.error,
    ts: time,
  };
}

/** A job's cost in both units, or why it is not known. */
export function wireCost(cost: JobCost) {
  if (cost.state === 'unknown') return cost;
  return { state: cost.state, usd: usdOf(cost.nanoUsd), nano_usd: cost.nanoUsd };
}

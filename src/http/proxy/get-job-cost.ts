import { z } from 'zod';
import { JobId } from '../../events/job.ts';
import { bearerOf } from '../bearer.ts';
import type { LetIn, TurnedAway } from '../guarded-route.ts';
import { defineRoute, type Route } from '../route.ts';
import { NoParams } from '../run-request.ts';
import { sendJson } from '../send-json.ts';

/** What a job has cost: amounts in USD; null where an amount is unknown, which is not zero. */
type JobCostDocument = Readonly<{
  cost_usd_used: number | null;
  llm_cost_usd: number | null;
  tool_cost_usd: number | null;
  max_usd_budget: number | null;
  pending_calls: number;
  cost_rejections: number;
  per_provider: Readonly<Record<string, number | null>>;
}>;

export type GetJobCostDeps = Readonly<{
  admits: (credential: string | null, job: string) => boolean;
  /** Lets a request in, within the share of the miner whose job it is. */
  enter: (job: string) => LetIn | TurnedAway;
  /** Null for a job that nobody opened and nothing was put down to. */
  jobCost: (
    job: string,
  ) => Promise<
    | Readonly<{ kind: 'ok'; document: JobCostDocument | null }>
    | Readonly<{ kind: 'unavailable'; detail: string }>
  >;
}>;

/** GET /v1/jobs/{job}/cost: 404 for a job that is not known, 503 while that can't be told; neither is a cost of zero. */
export function getJobCost({ admits, enter, jobCost }: GetJobCostDeps): Route {
  return defineRoute(spec, async ({ req, res, params: { job } }) => {
    if (!admits(bearerOf(req), job))
      return sendJson(res, 401, { detail: 'invalid provider proxy token' });
    const entered = enter(job);
    if (entered.kind === 'refused')
      return sendJson(res, entered.status, { detail: entered.detail });
    try {
      const cost = await jobCost(job);
      if (cost.kind === 'unavailable') return sendJson(res, 503, { detail: cost.detail });
      if (cost.document === null) return sendJson(res, 404, { detail: 'job not found' });
      sendJson(res, 200, { ...cost.document, ...NO_SPANS });
    } finally {
      entered.leave();
    }
  });
}

/** The existing services group costs by names that a miner's headers give, too; here nothing of a miner's is kept. */
const NO_SPANS = { per_span: {}, per_span_buckets: {}, span_parents: {} } as const;

const spec = {
  path: '/v1/jobs/:job/cost',
  summary: 'What a job has cost so far',
  params: z.object({ job: JobId }),
  query: NoParams,
  answers: [
    {
      status: 200,
      description: 'Amounts in USD; null where one is unknown',
      contentType: 'application/json',
      schema: null,
      headers: {},
    },
  ],
  problems: [401, 404, 429],
} as const;

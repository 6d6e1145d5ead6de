import { z } from 'zod';
import { AppError } from '../../errors.ts';
import type { JobCost } from '../../evaluation/job-cost.ts';
import { usdOf } from '../../evaluation/usd.ts';
import type { EventOf } from '../../events/define-event.ts';
import type { CostReserved } from '../../events/job.ts';
import type { Kept, KeptJob } from '../../projectors/ledger-queries.ts';
import type { Route } from '../route.ts';
import { sendJson } from '../send-json.ts';
import { BASE, type LedgerToken, ledgerGet } from './ledger-route.ts';
import { pendingRow, wireCost } from './wire-answer.ts';
import { jobIn } from './wire-body.ts';

/** What is known of a job: all that was acknowledged of it. */
export type Account = Readonly<{
  opened: KeptJob | null;
  /** The calls of tools that were attested, and of models that are metered. */
  calls: number;
  metered: number;
  /** The pending calls aside, and with them. */
  spent: JobCost;
  cost: JobCost;
  pending: readonly Kept<EventOf<typeof CostReserved>['data']>[];
}>;

export type GetJobDeps = LedgerToken & Readonly<{ account: (job: string) => Promise<Account> }>;

/** The query of what is about one job; what it must be is checked where a wrong one is answered with 422. */
export const JobQuery = z.object({ job_id: z.string().optional() });

/** GET …/jobs?job_id=: where a job stands. */
export function getJob({ account, ...deps }: GetJobDeps): Route {
  return ledgerGet(spec, deps, async ({ query, res }) => {
    const job = jobIn(query);
    sendJson(res, 200, jobDocument(job, await account(job)));
  });
}

/** A job as it is answered. Throws `request.not-found` for one that nobody opened. */
export function jobDocument(
  job: string,
  { opened, calls, metered, spent, cost, pending }: Account,
) {
  if (opened === null) {
    throw new AppError('request.not-found', {
      detail: `nobody opened the job ${job}`,
      reason: 'unknown-job',
    });
  }
  const { budget, calls: maxCalls, expires } = opened.data;
  return {
    job_id: job,
    open: !opened.closed,
    expires_at: expires,
    budget_usd: usdOf(budget),
    spent_usd: spent.state === 'known' ? usdOf(spent.nanoUsd) : null,
    spent: wireCost(spent),
    pending: pending.map(pendingRow),
    cost: wireCost(cost),
    max_calls: maxCalls,
    calls,
    model_calls: metered + pending.length,
  };
}

const spec = {
  path: `${BASE}/jobs`,
  summary: 'Where a job stands',
  query: JobQuery,
  answers: [
    {
      status: 200,
      description:
        'Its terms, what it has spent (null where that is not known), the calls of models that are not metered yet, and how many calls of tools and of models it made',
      contentType: 'application/json',
      schema: null,
      headers: {},
    },
  ],
} as const;

import { getHealthz } from '../get-healthz.ts';
import { type GetMetricsDeps, getMetrics } from '../get-metrics.ts';
import { type GetReadyzDeps, getReadyz } from '../get-readyz.ts';
import type { Route } from '../route.ts';
import { type GetJobDeps, getJob } from './get-job.ts';
import { type GetJobLedgerDeps, getJobLedger } from './get-job-ledger.ts';
import {
  type PostCostsDeps,
  type PostReservationsDeps,
  postCosts,
  postReservations,
} from './post-costs.ts';
import { type PostJobsDeps, postJobs, postJobsClose } from './post-jobs.ts';
import { type PostToolCallsDeps, postToolCalls } from './post-tool-calls.ts';

export type LedgerRoutesDeps = PostToolCallsDeps &
  PostCostsDeps &
  PostReservationsDeps &
  PostJobsDeps &
  GetJobDeps &
  GetJobLedgerDeps &
  GetReadyzDeps &
  GetMetricsDeps;

/** Everything that a ledger answers. */
export function ledgerRoutes(deps: LedgerRoutesDeps): readonly Route[] {
  return [
    postToolCalls(deps),
    postCosts(deps),
    postReservations(deps),
    postJobs(deps),
    postJobsClose(deps),
    getJob(deps),
    getJobLedger(deps),
    getHealthz(),
    getReadyz(deps),
    getMetrics(deps),
  ];
}

import { getHealthz } from '../get-healthz.ts';
import { type GetMetricsDeps, getMetrics } from '../get-metrics.ts';
import { type GetReadyzDeps, getReadyz } from '../get-readyz.ts';
import type { Route } from '../route.ts';
import { type GetOwnerDocumentDeps, getArchive, getTaskSet } from './get-owner-document.ts';
import { type GetRosterDeps, getRoster } from './get-roster.ts';
import { type GetRunsDeps, getCurrentRun, getRuns } from './get-runs.ts';
import { type GetWeightsDeps, getWeights } from './get-weights.ts';
import { type PostSubmissionDeps, postSubmission } from './post-submission.ts';
import { type TaskRoutesDeps, taskRoutes } from './task-routes.ts';

export type OwnerRoutesDeps = GetRunsDeps &
  GetRosterDeps &
  GetOwnerDocumentDeps &
  PostSubmissionDeps &
  TaskRoutesDeps &
  GetWeightsDeps &
  GetReadyzDeps &
  GetMetricsDeps;

/** Everything that the subnet owner's service answers. */
export function ownerRoutes(deps: OwnerRoutesDeps): readonly Route[] {
  return [
    getCurrentRun(deps),
    getRuns(deps),
    getRoster(deps),
    getArchive(deps),
    getTaskSet(deps),
    postSubmission(deps),
    ...taskRoutes(deps),
    getWeights(deps),
    getHealthz(),
    getReadyz(deps),
    getMetrics(deps),
  ];
}

import express, { type Express } from 'express';
import { answerOptions } from './answer-options.ts';
import { type GetAuditPageDeps, getAuditPage } from './get-audit-page.ts';
import { type GetBundleDeps, getBundle } from './get-bundle.ts';
import { type GetCertificateDeps, getCertificate } from './get-certificate.ts';
import { type GetDecisionDeps, getDecision } from './get-decision.ts';
import { type GetDivergenceDeps, getDivergence } from './get-divergence.ts';
import { type GetEventsDeps, getEvents } from './get-events.ts';
import { type GetEvidenceDeps, getEvidence } from './get-evidence.ts';
import { type GetEvidenceIndexDeps, getEvidenceIndex } from './get-evidence-index.ts';
import { getLivez } from './get-livez.ts';
import { getLogCheckpoint } from './get-log-checkpoint.ts';
import { type GetLogDescriptionDeps, getLogDescription } from './get-log-description.ts';
import { getLogProof } from './get-log-proof.ts';
import { getLogTile } from './get-log-tile.ts';
import { type GetMetricsDeps, getMetrics } from './get-metrics.ts';
import { getOpenapi } from './get-openapi.ts';
import { type GetReadyzDeps, getReadyz } from './get-readyz.ts';
import { type GetReportsDeps, getReports } from './get-reports.ts';
import { type GetScoresDeps, getScores } from './get-scores.ts';
import { type GetStatusDeps, getStatus } from './get-status.ts';
import { type GetWitnessCheckpointDeps, getWitnessCheckpoint } from './get-witness-checkpoint.ts';
import { type LogRequestsDeps, logRequests } from './log-requests.ts';
import { type PostAddCheckpointDeps, postAddCheckpoint } from './post-add-checkpoint.ts';
import { type PostEvidenceDeps, postEvidence } from './post-evidence.ts';
import { answerError, answerUnknownPath, answerWrongMethod, refuseBody } from './problem.ts';
import type { PublishedLogDeps } from './published-log.ts';
import type { Route } from './route.ts';

/** Everything that the routes call: functions that return plain data and apply every rule themselves. */
export type AppDeps = GetScoresDeps &
  GetReportsDeps &
  GetDecisionDeps &
  GetCertificateDeps &
  GetDivergenceDeps &
  GetEventsDeps &
  PublishedLogDeps &
  GetLogDescriptionDeps &
  GetBundleDeps &
  GetWitnessCheckpointDeps &
  PostAddCheckpointDeps &
  GetEvidenceIndexDeps &
  GetEvidenceDeps &
  PostEvidenceDeps &
  GetAuditPageDeps &
  GetStatusDeps &
  GetReadyzDeps &
  GetMetricsDeps &
  LogRequestsDeps;

/** The validator's HTTP interface. Serve it with `serve`, which sets the limits that the app relies on. */
export function createApp(deps: AppDeps): Express {
  const routes = routesOf(deps);
  const app = express();
  app.disable('x-powered-by');
  app.enable('case sensitive routing');
  app.enable('strict routing');
  // Tags are made from signed bytes, and queries are parsed strictly, each in one place of our own.
  app.set('etag', false);
  app.set('query parser', false);

  app.use(logRequests(deps));
  for (const [path, methods] of byPath([...routes, getOpenapi(routes)])) mount(app, path, methods);
  app.use(refuseBody, answerUnknownPath);
  app.use(answerError);
  return app;
}

function routesOf(deps: AppDeps): readonly Route[] {
  return [
    getScores(deps),
    getReports(deps),
    getDecision(deps),
    getCertificate(deps),
    getDivergence(deps),
    getEvents(deps),
    getLogCheckpoint(deps),
    getLogTile(deps),
    getLogProof(deps),
    getLogDescription(deps),
    getBundle(deps),
    getWitnessCheckpoint(deps),
    postAddCheckpoint(deps),
    getEvidenceIndex(deps),
    postEvidence(deps),
    getEvidence(deps),
    ...getAuditPage(deps),
    getStatus(deps),
    getLivez(),
    getReadyz(deps),
    getMetrics(deps),
  ];
}

function byPath(routes: readonly Route[]): ReadonlyMap<string, readonly Route[]> {
  return Map.groupBy(routes, ({ path }) => path);
}

/** What is read takes no body; what is sent bounds its own. Any other method is told which there are. */
function mount(app: Express, path: string, routes: readonly Route[]): void {
  const methods = routes.map(({ method }) => (method === 'get' ? 'GET, HEAD' : 'POST')).join(', ');
  const mounted = app.route(path);
  for (const { method, handle } of routes) {
    if (method === 'get') mounted.get(refuseBody, handle);
    else mounted.post(handle);
  }
  mounted.options(refuseBody, answerOptions(methods));
  mounted.all(refuseBody, answerWrongMethod(`${methods}, OPTIONS`));
}

import express, { type Express } from 'express';
import { type GetCertificateDeps, getCertificate } from './get-certificate.ts';
import { type GetDecisionDeps, getDecision } from './get-decision.ts';
import { type GetDivergenceDeps, getDivergence } from './get-divergence.ts';
import { type GetEventsDeps, getEvents } from './get-events.ts';
import { getLivez } from './get-livez.ts';
import { type GetMetricsDeps, getMetrics } from './get-metrics.ts';
import { getOpenapi } from './get-openapi.ts';
import { type GetReadyzDeps, getReadyz } from './get-readyz.ts';
import { type GetReportsDeps, getReports } from './get-reports.ts';
import { type GetScoresDeps, getScores } from './get-scores.ts';
import { type GetStatusDeps, getStatus } from './get-status.ts';
import { type LogRequestsDeps, logRequests } from './log-requests.ts';
import { answerError, answerUnknownPath, answerWrongMethod, refuseBody } from './problem.ts';

/** Everything that the routes call: functions that return plain data and apply every rule themselves. */
export type AppDeps = GetScoresDeps &
  GetReportsDeps &
  GetDecisionDeps &
  GetCertificateDeps &
  GetDivergenceDeps &
  GetEventsDeps &
  GetStatusDeps &
  GetReadyzDeps &
  GetMetricsDeps &
  LogRequestsDeps;

/** The validator's read-only HTTP interface. Serve it with `serve`, which sets the limits that the app relies on. */
export function createApp(deps: AppDeps): Express {
  const routes = [
    getScores(deps),
    getReports(deps),
    getDecision(deps),
    getCertificate(deps),
    getDivergence(deps),
    getEvents(deps),
    getStatus(deps),
    getLivez(),
    getReadyz(deps),
    getMetrics(deps),
  ];
  const app = express();
  app.disable('x-powered-by');
  app.enable('case sensitive routing');
  app.enable('strict routing');
  // Tags are made from signed bytes, and queries are parsed strictly, each in one place of our own.
  app.set('etag', false);
  app.set('query parser', false);

  app.use(logRequests(deps));
  app.use(refuseBody);
  for (const { path, handle } of [...routes, getOpenapi(routes)]) {
    app.route(path).get(handle).all(answerWrongMethod);
  }
  app.use(answerUnknownPath);
  app.use(answerError);
  return app;
}

import type { Express } from 'express';
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
import { type GetPeerDocumentDeps, getPeerDocuments } from './get-peer-document.ts';
import { type GetPeerRosterDeps, getPeerRoster } from './get-peer-roster.ts';
import { type GetReadyzDeps, getReadyz } from './get-readyz.ts';
import { type GetReportsDeps, getReports } from './get-reports.ts';
import { type GetScoresDeps, getScores } from './get-scores.ts';
import { type GetStatusDeps, getStatus } from './get-status.ts';
import { type GetWitnessCheckpointDeps, getWitnessCheckpoint } from './get-witness-checkpoint.ts';
import { httpApp } from './http-app.ts';
import type { LogRequestsDeps } from './log-requests.ts';
import { type PostAddCheckpointDeps, postAddCheckpoint } from './post-add-checkpoint.ts';
import { type PostEvidenceDeps, postEvidence } from './post-evidence.ts';
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
  LogRequestsDeps &
  Readonly<{
    /** What peers ask of a run that was opened by a roster; null where runs are opened otherwise. */
    rosters: (GetPeerRosterDeps & GetPeerDocumentDeps) | null;
  }>;

/** The validator's HTTP interface. Serve it with `serve`, which sets the limits that it relies on. */
export function createApp(deps: AppDeps): Express {
  return httpApp(routesOf(deps), deps);
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
    ...(deps.rosters === null
      ? []
      : [getPeerRoster(deps.rosters), ...getPeerDocuments(deps.rosters)]),
    ...getAuditPage(deps),
    getStatus(deps),
    getLivez(),
    getReadyz(deps),
    getMetrics(deps),
  ];
}

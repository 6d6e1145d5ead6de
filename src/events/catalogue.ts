import * as checkpoint from './checkpoint.ts';
import * as commitment from './commitment.ts';
import * as decision from './decision.ts';
import type { EventOf } from './define-event.ts';
import * as divergence from './divergence.ts';
import * as evidence from './evidence.ts';
import * as extrinsic from './extrinsic.ts';
import * as job from './job.ts';
import * as logStarted from './log-started.ts';
import * as mode from './mode.ts';
import * as report from './report.ts';
import * as roster from './roster.ts';
import * as run from './run.ts';
import * as runtime from './runtime.ts';
import * as score from './score.ts';
import * as sealed from './sealed.ts';
import * as snapshot from './snapshot.ts';
import * as submission from './submission.ts';
import * as task from './task.ts';
import * as weights from './weights.ts';

/** The types of the validator's log, in the order of a run. */
export const validatorEvents = [
  logStarted.LogStarted,
  mode.ModeChanged,
  roster.RosterRefused,
  run.RunOpened,
  roster.RosterAccepted,
  roster.ArchiveAccepted,
  roster.ArchiveRefused,
  snapshot.SnapshotTaken,
  snapshot.SnapshotMissed,
  runtime.RuntimeReady,
  runtime.RuntimeFailed,
  task.TaskClaimed,
  task.TaskReturned,
  task.ReferenceMade,
  task.TaskInvoked,
  task.InvocationExcused,
  task.EvidenceGathered,
  task.TaskJudged,
  task.VerdictRefused,
  score.ScoreRecorded,
  runtime.RuntimeEnded,
  sealed.FactSealed,
  run.RunClosed,
  report.ReportSigned,
  extrinsic.ExtrinsicSigned,
  extrinsic.ExtrinsicIncluded,
  extrinsic.ExtrinsicSettled,
  commitment.CommitmentsRead,
  commitment.CommitmentsMissed,
  commitment.CommitmentProofRead,
  checkpoint.AnchorsRead,
  sealed.ScoresOpened,
  checkpoint.CheckpointObserved,
  report.PeerReportAccepted,
  report.PeerReportRejected,
  report.EquivocationRecorded,
  evidence.EvidenceAccepted,
  divergence.OwnerPickObserved,
  divergence.OwnerPickMissed,
  decision.InputsGathered,
  decision.DecisionMade,
  decision.DecisionSigned,
  decision.PeerDecisionAccepted,
  decision.PeerDecisionRejected,
  decision.CertificateBuilt,
  decision.CertificateMissed,
  divergence.DivergenceRecorded,
  divergence.DivergenceRepeated,
  weights.WeightsIntended,
  weights.WeightsSuperseded,
  weights.WeightsObserved,
] as const;

/** The types of a validator's ledger: what was spent on its behalf, and which tools were called. */
export const ledgerEvents = [
  job.JobOpened,
  job.ToolCalled,
  job.CostReserved,
  job.CostMetered,
  job.JobClosed,
] as const;

/** The types of the subnet owner's log. */
export const ownerEvents = [
  submission.SubmissionReceived,
  submission.TaskSetPublished,
  submission.RosterPublished,
  submission.TaskLeased,
  submission.LeaseEnded,
  submission.ResultReceived,
  submission.RunEnded,
] as const;

/** Every event type that this build can write. */
export const catalogue = [...validatorEvents, ...ledgerEvents, ...ownerEvents] as const;

/** Any event of the catalogue: a union by `type`. */
export type DomainEvent = EventOf<(typeof catalogue)[number]>;

/** An event of the validator's log. */
export type ValidatorEvent = EventOf<(typeof validatorEvents)[number]>;

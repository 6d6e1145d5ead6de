import * as checkpoint from './checkpoint.ts';
import * as commitment from './commitment.ts';
import * as decision from './decision.ts';
import type { EventOf } from './define-event.ts';
import * as divergence from './divergence.ts';
import * as evidence from './evidence.ts';
import * as extrinsic from './extrinsic.ts';
import * as logStarted from './log-started.ts';
import * as mode from './mode.ts';
import * as report from './report.ts';
import * as run from './run.ts';
import * as score from './score.ts';
import * as sealed from './sealed.ts';
import * as snapshot from './snapshot.ts';
import * as weights from './weights.ts';

/** Every event type that this build can write, in the order of a run. */
export const catalogue = [
  logStarted.LogStarted,
  mode.ModeChanged,
  run.RunOpened,
  snapshot.SnapshotTaken,
  snapshot.SnapshotMissed,
  score.ScoreRecorded,
  sealed.FactSealed,
  run.RunClosed,
  report.ReportSigned,
  extrinsic.ExtrinsicSigned,
  extrinsic.ExtrinsicIncluded,
  extrinsic.ExtrinsicSettled,
  commitment.CommitmentsRead,
  commitment.CommitmentsMissed,
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

/** Any event of the catalogue: a union by `type`. */
export type DomainEvent = EventOf<(typeof catalogue)[number]>;

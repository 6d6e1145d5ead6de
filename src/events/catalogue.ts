import * as commitment from './commitment.ts';
import * as decision from './decision.ts';
import type { EventOf } from './define-event.ts';
import * as divergence from './divergence.ts';
import * as extrinsic from './extrinsic.ts';
import * as report from './report.ts';
import * as run from './run.ts';
import * as score from './score.ts';
import * as snapshot from './snapshot.ts';
import * as weights from './weights.ts';

/** Every event type that this build can write, in the order of a run. */
export const catalogue = [
  run.RunOpened,
  snapshot.SnapshotTaken,
  snapshot.SnapshotMissed,
  score.ScoreRecorded,
  run.RunClosed,
  report.ReportSigned,
  extrinsic.ExtrinsicSigned,
  extrinsic.ExtrinsicIncluded,
  extrinsic.ExtrinsicSettled,
  commitment.CommitmentsRead,
  commitment.CommitmentsMissed,
  report.PeerReportAccepted,
  report.PeerReportRejected,
  report.EquivocationRecorded,
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

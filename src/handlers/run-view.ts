import { commitmentFacts } from '../consensus/commitment-facts.ts';
import type { DecisionFacts } from '../consensus/decide.ts';
import { excludedFrom } from '../consensus/exclusion.ts';
import { type HeldReports, reportFacts } from '../consensus/report-inputs.ts';
import type { Rules } from '../events/decision.ts';
import type { Purpose } from '../events/extrinsic.ts';
import { runSequence } from '../events/scalars.ts';
import type { UnknownReason } from '../events/snapshot.ts';
import * as decisions from '../projectors/decisions.ts';
import * as divergence from '../projectors/divergence.ts';
import { acceptedEvidence } from '../projectors/evidence.ts';
import * as extrinsics from '../projectors/extrinsics.ts';
import type { Queries } from '../projectors/projector.ts';
import * as reports from '../projectors/reports.ts';
import type { Run } from '../projectors/run-state.ts';
import { anchorProgressOf } from './anchor-progress.ts';
import { committedAt } from './prove-commitment.ts';
import { readThrough } from './read-commitments.ts';
import type { Lane, RunProgress } from './run-progress.ts';
import { lastAttempt, weightProgressOf } from './weight-progress.ts';

/** The projections that a run's steps are decided on. */
export type Projections = Readonly<{
  runState: Queries;
  scoreStore: Queries;
  reports: Queries;
  decisions: Queries;
  divergence: Queries;
  extrinsics: Queries;
  evidence: Queries;
}>;

/** All that the log says about a run. */
export type RunView = Awaited<ReturnType<typeof loadRun>>;

/** Reads a run from the projections. */
export async function loadRun(run: Run, projections: Projections) {
  const { family, run: id } = run;
  const queries = projections.decisions;
  const attempts = (purpose: Purpose) =>
    extrinsics.attemptsOf(projections.extrinsics, family, id, purpose);
  return {
    run,
    open: await decisions.snapshotOf(queries, family, id, 'open'),
    current: await decisions.snapshotOf(queries, family, id, 'decide'),
    missed: await decisions.missedSnapshots(queries, family, id),
    reads: await reports.commitmentReads(projections.reports, family, id),
    commitmentsMissed: await reports.commitmentsMissed(projections.reports, family, id),
    ownReport: await reports.ownReport(projections.reports, family, id),
    ownReportIndex: await reports.ownReportIndex(projections.reports, family, id),
    rostersDiffer: (await acceptedEvidence(projections.evidence)).some(
      (each) => each.kind === 'roster' && each.family === family && each.run === id,
    ),
    scoresOpened: await reports.scoresOpened(projections.reports, family, id),
    decision: await decisions.decisionOf(queries, family, id),
    statements: await decisions.statementsOf(queries, family, id),
    certificate: await decisions.certificateOf(queries, family, id),
    certificateMissed: await decisions.certificateMissed(queries, family, id),
    intents: await decisions.intentsOf(queries, family, id),
    commitmentAttempts: await attempts('commitment'),
    commitmentProof: await extrinsics.commitmentProofOf(projections.extrinsics, family, id),
    anchorAttempts: await attempts('anchor'),
    weightAttempts: await attempts('weights'),
    latestCommitted: await extrinsics.latestCommitted(projections.extrinsics),
    observations: await extrinsics.observationsOf(projections.extrinsics, family, id),
    latestIntendedRun: await decisions.latestIntendedRun(queries, family),
    owner: await divergence.ownerPickOf(projections.divergence, family, id),
    compared: (await divergence.divergenceOf(projections.divergence, family, id)) !== null,
  };
}

/** What of a run's view the next step depends on, with what else this validator is about to do. */
export function progressOf(
  view: RunView,
  lane: Lane,
  at: Readonly<{
    self: string;
    rules: Rules;
    commitScores: boolean;
    weightInterval: number;
    anchorInterval: number;
  }>,
): RunProgress {
  const { self, rules, commitScores, weightInterval } = at;
  const voters = view.open?.voters ?? [];
  const commitment = view.commitmentAttempts.at(-1);
  return {
    phases: view.run.phases,
    status: view.run.status,
    done: view.run.done,
    openTaken: view.open !== null,
    openMissed: missedAt(view, 'open'),
    currentTaken: view.current !== null,
    currentMissed: missedAt(view, 'decide'),
    reportSigned: view.ownReport !== null,
    rostersDiffer: view.rostersDiffer,
    commits: commitScores,
    commitment: commitment === undefined ? null : lastAttempt(commitment),
    proofDue: view.commitmentProof === null && committedAt(view.commitmentAttempts) !== null,
    requireCommitment: rules.requireCommitment,
    commitmentsRead: readThrough(view.reads),
    commitmentsMissed: view.commitmentsMissed !== null,
    scoresOpened: view.scoresOpened,
    decided: view.decision !== null,
    votes: voters.some(({ hotkey }) => hotkey === self),
    decisionSigned: view.statements.some(({ hotkey }) => hotkey === self),
    certified: view.certificate !== null,
    certificateMissed: view.certificateMissed !== null,
    ownerKnown: view.owner.observed !== null,
    ownerMissed: view.owner.missed !== null,
    compared: view.compared,
    anchor: anchorProgressOf(view, at),
    weights: weightProgressOf(
      {
        intents: view.intents,
        attempts: view.weightAttempts,
        observations: view.observations,
        superseded:
          view.latestIntendedRun !== null &&
          runSequence(view.latestIntendedRun) > view.run.sequence,
      },
      { self, run: view.run.run, interval: weightInterval },
    ),
    lane,
  };
}

/** The facts of a run's decision, from its view and the reports that are held. */
export async function factsOf(
  view: RunView,
  at: Readonly<{ rules: Rules; genesis: string; netuid: number }>,
  { reports: queries, evidence }: Pick<Projections, 'reports' | 'evidence'>,
): Promise<DecisionFacts> {
  const { family, run, roster, miners, phases } = view.run;
  return {
    ...at,
    family,
    run,
    roster,
    miners,
    phases,
    open:
      view.open === null
        ? { known: false, reason: missedAt(view, 'open') ?? 'unavailable' }
        : { known: true, snapshot: view.open },
    current:
      view.current === null
        ? { known: false, reason: missedAt(view, 'decide') ?? 'unavailable' }
        : { known: true, snapshot: view.current },
    commitments: commitmentFacts(view.reads, {
      commit: phases.commit,
      missed: view.commitmentsMissed?.reason ?? null,
    }),
    self: view.ownReport?.hotkey ?? null,
    excluded: excludedFrom(await acceptedEvidence(evidence), { family, run }),
    reports: reportFacts(await heldReports(family, run, queries)),
  };
}

async function heldReports(family: string, run: string, queries: Queries): Promise<HeldReports> {
  return {
    held: await reports.heldReports(queries, family, run),
    equivocators: await reports.equivocators(queries, family, run),
    rejections: await reports.rejections(queries, family, run),
  };
}

/** The latest reason for which a phase's snapshot was missed. */
function missedAt(view: RunView, phase: 'open' | 'decide'): UnknownReason | null {
  return view.missed.findLast((missed) => missed.phase === phase)?.reason ?? null;
}

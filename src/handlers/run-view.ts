import type { DecisionFacts } from '../consensus/decide.ts';
import { type HeldReports, reportFacts } from '../consensus/report-inputs.ts';
import type { Rules } from '../events/decision.ts';
import { runSequence } from '../events/scalars.ts';
import type { UnknownReason } from '../events/snapshot.ts';
import * as decisions from '../projectors/decisions.ts';
import * as divergence from '../projectors/divergence.ts';
import type { Queries } from '../projectors/projector.ts';
import * as reports from '../projectors/reports.ts';
import type { Run } from '../projectors/run-state.ts';
import type { RunProgress } from './next-step.ts';

/** The projections that a run's steps are decided on. */
export type Projections = Readonly<{
  runState: Queries;
  scoreStore: Queries;
  reports: Queries;
  decisions: Queries;
  divergence: Queries;
}>;

/** All that the log says about a run. */
export type RunView = Awaited<ReturnType<typeof loadRun>>;

/** Reads a run from the projections. */
export async function loadRun(run: Run, projections: Projections) {
  const { family, run: id } = run;
  const queries = projections.decisions;
  return {
    run,
    open: await decisions.snapshotOf(queries, family, id, 'open'),
    current: await decisions.snapshotOf(queries, family, id, 'decide'),
    missed: await decisions.missedSnapshots(queries, family, id),
    ownReport: await reports.ownReport(projections.reports, family, id),
    decision: await decisions.decisionOf(queries, family, id),
    statements: await decisions.statementsOf(queries, family, id),
    certificate: await decisions.certificateOf(queries, family, id),
    certificateMissed: await decisions.certificateMissed(queries, family, id),
    weights: await decisions.weightsOf(queries, family, id),
    latestIntendedRun: await decisions.latestIntendedRun(queries, family),
    owner: await divergence.ownerPickOf(projections.divergence, family, id),
    compared: (await divergence.divergenceOf(projections.divergence, family, id)) !== null,
  };
}

/** What of a run's view the next step depends on. */
export function progressOf(view: RunView, self: string): RunProgress {
  const { intended, submitted, observed } = view.weights;
  const voters = view.open?.voters ?? [];
  return {
    phases: view.run.phases,
    status: view.run.status,
    openTaken: view.open !== null,
    openMissed: missedAt(view, 'open'),
    currentTaken: view.current !== null,
    currentMissed: missedAt(view, 'decide'),
    reportSigned: view.ownReport !== null,
    decided: view.decision !== null,
    votes: voters.some(({ hotkey }) => hotkey === self),
    decisionSigned: view.statements.some(({ hotkey }) => hotkey === self),
    certified: view.certificate !== null,
    certificateMissed: view.certificateMissed !== null,
    ownerKnown: view.owner.observed !== null,
    ownerMissed: view.owner.missed !== null,
    compared: view.compared,
    intended:
      intended === null
        ? null
        : { settable: intended.vector !== null, targetBlock: intended.targetBlock },
    superseded:
      view.latestIntendedRun !== null && runSequence(view.latestIntendedRun) > view.run.sequence,
    submitted: submitted !== null,
    observed: observed !== null,
  };
}

/** The facts of a run's decision, from its view and the reports that are held. */
export async function factsOf(
  view: RunView,
  at: Readonly<{ rules: Rules; genesis: string; netuid: number }>,
  queries: Queries,
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

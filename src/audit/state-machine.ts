import type { DomainEvent, ValidatorEvent } from '../events/catalogue.ts';
import { type InRun, runOf, subjectIn } from '../events/define-event.ts';
import type { Recorded } from '../events/envelope.ts';
import type { LogStart } from '../events/log-started.ts';
import type { AuditContext, AuditDeps, LogRecord, RulesInForce } from './audit-context.ts';
import { learn } from './decision-facts.ts';
import type { Faults } from './fault.ts';
import type { GateRun } from './gate.ts';
import type { LeftOut } from './left-out.ts';
import { anchorsRead, commitmentsRead } from './rules/chain-reads.ts';
import { divergenceRecorded, divergenceRepeated, ownerPickObserved } from './rules/comparison.ts';
import {
  certificateBuilt,
  certificateMissed,
  decisionMade,
  decisionSigned,
  inputsGathered,
  peerDecisionAccepted,
} from './rules/decisions.ts';
import { equivocationRecorded, peerReportAccepted, peerReportRejected } from './rules/exchange.ts';
import {
  commitmentProofRead,
  extrinsicIncluded,
  extrinsicSettled,
  extrinsicSigned,
} from './rules/extrinsics.ts';
import { archiveAccepted, runtimeFailed, runtimeReady } from './rules/members.ts';
import { modeChanged } from './rules/modes.ts';
import { isLate, rosterAccepted, runClosed, runOpened, snapshotTaken } from './rules/runs.ts';
import { factSealed, scoresOpened, unsealed } from './rules/scores.ts';
import { logStarted } from './rules/start.ts';
import { referenceMade, taskClaimed, taskReturned } from './rules/tasks.ts';
import { weightsIntended, weightsObserved, weightsSuperseded } from './rules/weights.ts';
import { checkpointObserved, evidenceAccepted } from './rules/witnesses.ts';
import { type Entry, newRunRecord, type RunRecord } from './run-record.ts';

/** What the rules of a whole log looked at. */
export type RulesVerdict = Readonly<{
  runs: number;
  /** Decisions that were computed again. */
  decisions: number;
  /** Facts that are still sealed, of runs that are not decided: nobody but the validator can read them yet. */
  sealed: number;
  /** Signed commitments in a form that this build does not read: what they say was not checked. */
  unread: number;
  /** Evidence that was read at a later head than the ledger's copy has: it was not compared. */
  beyondLedger: number;
}>;

/** The rules that a log's events follow, one after the other. */
export type StateMachine = Readonly<{
  take: (recorded: Recorded) => void;
  /** Whose log it is, once its first event said so. */
  start: () => LogStart | null;
  /** The closed runs of each family, with how they compared with the owner's picks. */
  closed: () => ReadonlyMap<string, readonly GateRun[]>;
  /** The runs that were to be kept. */
  kept: () => readonly RunRecord[];
  /** The rules of the decisions, each family's where they change. */
  inForce: () => readonly RulesInForce[];
  /** Whose reports the decisions did not count. */
  leftOut: () => readonly LeftOut[];
  end: () => RulesVerdict;
}>;

/**
 * Applies to each event the rule of its type, with all that the events before it say. Faults go to `faults`;
 * after one the rules go on with what the event says, so that the next fault is one of its own.
 */
export function createStateMachine(
  deps: AuditDeps &
    Pick<AuditContext, 'rootAt' | 'ownerHotkey' | 'ledger' | 'note'> &
    Readonly<{ faults: Faults; source: () => string; keep: (run: InRun) => boolean }>,
): StateMachine {
  const { faults, source, keep } = deps;
  const log = newLogRecord();
  const runs: Runs = { all: new Map(), last: null, keep };
  const context: AuditContext = {
    ...deps,
    log,
    fault: (code, index, expected, found) => faults.add({ code, index, expected, found }),
  };
  return {
    take: ({ event, n }) => {
      if (n === 0) log.source = source();
      takeEvent({ event, n }, runs, context);
    },
    start: () => log.start,
    closed: () => log.closed,
    inForce: () => log.inForce,
    leftOut: () => log.leftOut,
    kept: () => [...runs.all.values()].filter(({ kept }) => kept),
    end: () => {
      const sealed = endOf(runs.all, context);
      const { decisions, unread, beyondLedger } = log;
      return { runs: runs.all.size, decisions, sealed, unread, beyondLedger };
    },
  };
}

function newLogRecord(): LogRecord {
  return {
    source: '',
    start: null,
    newest: new Map(),
    weights: new Map(),
    accused: [],
    closed: new Map(),
    mode: { number: 0, mode: null },
    decisions: 0,
    inForce: [],
    leftOut: [],
    unread: 0,
    beyondLedger: 0,
    held: 0,
  };
}

type Placed = Readonly<{ n: number; event: DomainEvent }>;

type Runs = {
  readonly all: Map<string, RunRecord>;
  /** That of the event before: most events are of the same run as that. */
  last: RunRecord | null;
  readonly keep: (run: InRun) => boolean;
};

function takeEvent({ event, n }: Placed, runs: Runs, context: AuditContext): void {
  if (n === 0 && event.type !== 'log.started.v1')
    context.fault('start-invalid', 0, 'log.started as the first event', event.type);
  const place = runOf(event.data);
  if (place === null || ABOUT_ANY_RUN.has(event.type)) {
    takeLogEvent({ event, n }, context);
    return;
  }
  const run = recordOf(place, { event, n }, runs, context);
  if (isLate(event.type, run))
    context.fault('order-broken', n, `no ${event.type} at the end of ${run.run}`, 'one');
  // safe: the rule of its own type, for the data of that type; a type of another authority's log has none
  const rule = (RULES as Partial<Record<string, AnyRule | null>>)[event.type];
  if (rule === undefined)
    context.fault('order-broken', n, "an event of a validator's log", event.type);
  rule?.({ n, data: event.data }, run, context);
  if (event.type !== 'decision.made.v1') learn(run.facts, event, context.log.accused);
}

/** The record of an event's run. A run begins with the event that opens it. */
function recordOf(
  place: InRun,
  { event, n }: Placed,
  runs: Runs,
  { fault }: AuditContext,
): RunRecord {
  const { last } = runs;
  if (last !== null && last.run === place.run && last.family === place.family) return last;
  const key = subjectIn(place);
  const known = runs.all.get(key);
  runs.last = known ?? newRunRecord(place);
  if (known !== undefined) return known;
  const run = runs.last;
  run.kept = runs.keep(place);
  runs.all.set(key, run);
  if (event.type !== 'run.opened.v1')
    fault('order-broken', n, `run.opened before anything else of ${place.run}`, event.type);
  return run;
}

/** What names a run that the log need not have. */
const ABOUT_ANY_RUN: ReadonlySet<string> = new Set(['evidence.accepted.v1', 'roster.refused.v1']);

function takeLogEvent({ event, n }: Placed, context: AuditContext): void {
  switch (event.type) {
    case 'log.started.v1':
      logStarted({ n, data: event.data }, context);
      break;
    case 'mode.changed.v1':
      modeChanged({ n, data: event.data }, context);
      break;
    case 'evidence.accepted.v1':
      evidenceAccepted({ n, data: event.data }, context);
      break;
    default:
      break;
  }
}

type Rule<Type extends ValidatorEvent['type']> = (
  entry: Entry<Type>,
  run: RunRecord,
  context: AuditContext,
) => void;
/** A rule whose type only its table knows. */
type AnyRule = (entry: { n: number; data: object }, run: RunRecord, context: AuditContext) => void;

/** The rule of each type; null where an event says what nobody can check from the log. */
const RULES: { readonly [Type in ValidatorEvent['type']]: Rule<Type> | null } = {
  'log.started.v1': null, // of no run
  'mode.changed.v1': null, // of no run
  'evidence.accepted.v1': null, // of any run
  'roster.refused.v1': null, // of any run
  'run.opened.v1': runOpened,
  'roster.accepted.v1': rosterAccepted,
  'archive.accepted.v1': archiveAccepted,
  'archive.refused.v1': null,
  'runtime.ready.v1': runtimeReady,
  'runtime.failed.v1': runtimeFailed,
  'runtime.ended.v1': null,
  'task.claimed.v1': taskClaimed,
  'task.returned.v1': taskReturned,
  'reference.made.v1': referenceMade,
  'task.invoked.v1': unsealed,
  'invocation.excused.v1': unsealed,
  'evidence.gathered.v1': unsealed,
  'task.judged.v1': unsealed,
  'verdict.refused.v1': unsealed,
  'run.closed.v1': runClosed,
  'snapshot.taken.v1': snapshotTaken,
  'snapshot.missed.v1': null,
  'score.recorded.v1': unsealed,
  'report.signed.v1': unsealed,
  'fact.sealed.v1': factSealed,
  'scores.opened.v1': scoresOpened,
  'extrinsic.signed.v1': extrinsicSigned,
  'extrinsic.included.v1': extrinsicIncluded,
  'extrinsic.settled.v1': extrinsicSettled,
  'commitments.read.v1': commitmentsRead,
  'commitments.missed.v1': null,
  'commitment-proof.read.v1': commitmentProofRead,
  'anchors.read.v1': anchorsRead,
  'checkpoint.observed.v1': checkpointObserved,
  'peer-report.accepted.v1': peerReportAccepted,
  'peer-report.rejected.v1': peerReportRejected,
  'equivocation.recorded.v1': equivocationRecorded,
  'owner-pick.observed.v1': ownerPickObserved,
  'owner-pick.missed.v1': null,
  'inputs.gathered.v1': inputsGathered,
  'decision.made.v1': decisionMade,
  'decision.signed.v1': decisionSigned,
  'peer-decision.accepted.v1': peerDecisionAccepted,
  'peer-decision.rejected.v1': null,
  'certificate.built.v1': certificateBuilt,
  'certificate.missed.v1': certificateMissed,
  'divergence.recorded.v1': divergenceRecorded,
  'divergence.repeated.v1': divergenceRepeated,
  'weights.intended.v1': weightsIntended,
  'weights.superseded.v1': weightsSuperseded,
  'weights.observed.v1': weightsObserved,
};

/** At the end of a log: facts of a decided run may not be sealed any more. Gives how many others are. */
function endOf(runs: ReadonlyMap<string, RunRecord>, { fault }: AuditContext): number {
  let waiting = 0;
  for (const { sealed, decision, run } of runs.values()) {
    const first = sealed.first();
    if (first === null) continue;
    if (decision === null) waiting += sealed.count();
    else fault('seal-unopened', first, `the key of ${run}, which is decided`, 'none');
  }
  return waiting;
}

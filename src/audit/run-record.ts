import type { DomainEvent } from '../events/catalogue.ts';
import type { InRun } from '../events/define-event.ts';
import type { Voter } from '../events/snapshot.ts';
import { type LoggedFacts, noFacts } from './decision-facts.ts';
import type { EvaluationRecord } from './evaluation-record.ts';
import type { GateRun } from './gate.ts';
import { type HeldFacts, holdFacts } from './held-facts.ts';

/** The data of an event of a type. */
export type Data<Type extends DomainEvent['type']> = Extract<DomainEvent, { type: Type }>['data'];

/** An event at its place. */
export type Entry<Type extends DomainEvent['type']> = Readonly<{ n: number; data: Data<Type> }>;

/** An attempt to do something on chain. */
export type Attempt = {
  signed: Entry<'extrinsic.signed.v1'> | null;
  settled: Entry<'extrinsic.settled.v1'> | null;
};

/** All that the rules keep of one run; what no later rule looks at is dropped as it goes. */
export type RunRecord = InRun & {
  /** Where each task and miner of the run stands in its lists. */
  places: Readonly<{ tasks: ReadonlyMap<string, number>; miners: ReadonlyMap<string, number> }>;
  openedAt: number | null;
  closedAt: number | null;
  /** How its validator measures it; null where its scores are imported. */
  evaluation: EvaluationRecord | null;
  /** Refused reports, as `<who served it>/<digest>`, and the event of each refusal. */
  refusedAt: Map<string, number>;
  /** Facts whose key is not known yet, in the order of the log. */
  sealed: HeldFacts;
  /** Where the report's sealed fact stands. */
  reportAt: number | null;
  /** The run's key, once it is public. */
  key: string | null;
  tallies: Map<string, { sum: number; judged: number; excused: number }>;
  /** 1 for each pair that has a result, by the place of its task and miner in the run's lists; null before the first. */
  pairs: Uint8Array | null;
  report: Entry<'report.signed.v1'> | null;
  facts: LoggedFacts;
  /** Commitments to a report that is still sealed. */
  commitments: Committed[];
  /** The digest that this validator committed to. */
  committed: string | null;
  /** Events that the anchors of the run cover. */
  anchoredSize: number;
  /** Anchors read from the chain, up to this block. */
  anchorsRead: number | null;
  decision: Entry<'decision.made.v1'> | null;
  /** Who signed which outcome, ourselves included: the first statement of a voter counts. */
  statements: Map<string, string>;
  ownStatement: boolean;
  certificate: Data<'certificate.built.v1'> | null;
  certificateMissed: boolean;
  ownerPick: Data<'owner-pick.observed.v1'> | null;
  ownerMissed: boolean;
  /** How its consensus compared with the owner's pick. */
  gate: GateRun;
  intents: Entry<'weights.intended.v1'>[];
  attempts: Map<Purpose, Attempt[]>;
  observations: Entry<'weights.observed.v1'>[];
  superseded: boolean;
  /** Somebody wants to see all of it in the end. */
  kept: boolean;
};

/** What the commitment in an event says of the report: its digest, and the salted one where it has an anchor. */
export type Committed = Readonly<{ n: number; digest: string; commit: string | null }>;

export type Purpose = Data<'extrinsic.signed.v1'>['purpose'];

/** A run of which nothing was recorded. */
export function newRunRecord({ family, run }: InRun): RunRecord {
  return {
    family,
    run,
    places: { tasks: new Map(), miners: new Map() },
    openedAt: null,
    closedAt: null,
    evaluation: null,
    refusedAt: new Map(),
    sealed: holdFacts(),
    reportAt: null,
    key: null,
    tallies: new Map(),
    pairs: null,
    report: null,
    facts: noFacts(),
    commitments: [],
    committed: null,
    anchoredSize: 0,
    anchorsRead: null,
    decision: null,
    statements: new Map(),
    ownStatement: false,
    certificate: null,
    certificateMissed: false,
    ownerPick: null,
    ownerMissed: false,
    gate: { run, record: null, repeated: 0 },
    intents: [],
    attempts: new Map(),
    observations: [],
    superseded: false,
    kept: false,
  };
}

/** The place of a pair among those of its run; null for one of another task or miner. */
export function pairPlace(
  { places: { tasks, miners } }: Pick<RunRecord, 'places'>,
  { task, miner }: Readonly<{ task: string; miner: string }>,
): number | null {
  const taskAt = tasks.get(task);
  const minerAt = miners.get(miner);
  return taskAt === undefined || minerAt === undefined ? null : taskAt * miners.size + minerAt;
}

/** The voters of the snapshot block; none while it is unknown. */
export function votersOf({ facts }: RunRecord): readonly Voter[] {
  return facts.open?.known === true ? facts.open.snapshot.voters : [];
}

/**
 * A later run's weights stand: what only earlier rules look at would fill the memory over many runs.
 * Of a run that is `kept` everything stays.
 */
export function endRun(run: RunRecord): void {
  run.superseded = true;
  if (run.kept) return;
  run.facts = { ...noFacts(), opened: run.facts.opened };
  run.sealed = holdFacts();
  run.evaluation = null;
  run.report = null;
  run.decision = null;
  run.statements.clear();
  run.refusedAt.clear();
  run.certificate = null;
  run.ownerPick = null;
  run.intents = [];
  run.attempts.delete('weights');
  run.observations = [];
}

import { z } from 'zod';
import { SignedDocument } from '../consensus/signed.ts';
import { CommitmentFound } from '../events/commitment.ts';
import { Certificate, DecisionMade, InputsGathered, STATEMENT_TYPE } from '../events/decision.ts';
import { EvidenceKind } from '../events/evidence.ts';
import { LogStart } from '../events/log-started.ts';
import { REPORT_TYPE } from '../events/report.ts';
import { Phases } from '../events/run.ts';
import { Block, Detail, Family, Hex32, RunId, Ss58, Uid } from '../events/scalars.ts';
import { MAX_VALIDATORS } from '../events/snapshot.ts';
import { WeightMode } from '../events/weights.ts';
import { Problem } from './problem-document.ts';

const SignedReport = SignedDocument.extend({ type: z.literal(REPORT_TYPE) });
const SignedStatement = SignedDocument.extend({ type: z.literal(STATEMENT_TYPE) });

/** Every report that is held for a run, its rivals included. */
const Reports = z.strictObject({ family: Family, reports: z.array(SignedReport), run: RunId });

/** As `Reports`, by digest only: enough to know what to fetch. */
const ReportIndex = z.strictObject({
  family: Family,
  reports: z.array(z.strictObject({ digest: Hex32, hotkey: Ss58 })),
  run: RunId,
});

/** A run's decision, what it rests on, what the voters committed to and signed. Null where it is not made, or read, yet. */
const Decisions = z.strictObject({
  commitments: z.array(CommitmentFound).max(MAX_VALIDATORS).nullable(),
  decision: DecisionMade.data.nullable(),
  family: Family,
  inputs: InputsGathered.data.nullable(),
  run: RunId,
  statements: z.array(SignedStatement),
});

/** A run that this validator knows, with the phase that it is in by the newest finalised block. */
const RunStatus = z.strictObject({
  family: Family,
  run: RunId,
  phase: z.string().max(32),
  phases: Phases,
});

/** Pairs of a task and a miner; 256 miners and 256 tasks are the most of a run. */
const Pairs = z.int().min(0).max(65_536);

/** How far this validator's own measuring of a run is. What single scores are is told nowhere before they are opened. */
const EvaluationStatus = z.strictObject({
  family: Family,
  run: RunId,
  status: z.enum(['open', 'closed']),
  pairs: z.strictObject({
    /** Of each miner whose archive is here with each task that counts; null while no roster is accepted. */
    planned: Pairs.nullable(),
    scored: Pairs,
    /** That count for nobody, because of this validator. */
    excused: Pairs,
    busy: Pairs,
    /** Put off after a failure of this validator, and not tried again yet. */
    waiting: Pairs,
    /** Of tasks that nobody here can judge: they will be excused. */
    unjudged: Pairs,
  }),
  /** What keeps it from going on, or single pairs of it; empty where nothing does, and of a closed run. */
  waitsFor: z.array(z.strictObject({ what: z.string().max(32), detail: Detail })),
});

/** What operators and peers ask first. */
export const Status = z.strictObject({
  hotkey: Ss58,
  netuid: Uid,
  genesis: Hex32,
  mode: WeightMode,
  log: z.strictObject({ source: z.string(), size: z.int().min(0) }),
  /** Null while the chain has not answered. */
  finalizedBlock: Block.nullable(),
  /** The newest block at which everything that could be done was done; null before the first. */
  settledBlock: Block.nullable(),
  runs: z.array(RunStatus),
  /** Of each run that still needs something; null where this validator measures none itself. */
  evaluation: z.array(EvaluationStatus).nullable(),
});
export type Status = z.infer<typeof Status>;

/** One thing that must hold for this validator to do its work. */
export const Check = z.strictObject({ name: z.string(), ok: z.boolean(), detail: z.string() });
export type Check = z.infer<typeof Check>;

const Source = LogStart.shape.source;

/** Whose log is served, and how to read it. All of it is a hint: the log's first event says it signed. */
const LogDescription = z.strictObject({
  v: z.literal('eirel-log/1'),
  origin: Source,
  genesis: Hex32,
  netuid: Uid,
  hotkey: Ss58,
  /** Verifier keys of C2SP signed-note: those that sign checkpoints, and the one that cosigns others'. */
  keys: z.strictObject({ log: z.string(), hotkey: z.string(), witness: z.string() }),
  /** The served generation first; each continues what its `previous` names. */
  generations: z.array(z.strictObject({ source: Source, previous: LogStart.shape.previous })),
  /** C2SP tlog-policy: whose cosignatures this validator asks for, and how many it hopes for. */
  policy: z.string(),
  mirrors: z.array(z.url()),
});
export type LogDescription = z.infer<typeof LogDescription>;

const EvidenceEntry = z.strictObject({ digest: Hex32, hotkey: Ss58, kind: EvidenceKind });
export type EvidenceEntry = z.infer<typeof EvidenceEntry>;

const EvidenceIndex = z.strictObject({ evidence: z.array(EvidenceEntry) });

/** An evidence file by its outline; what its statements have to be follows from its kind. */
const EvidenceFile = z.strictObject({
  explain: z.string(),
  format: z.literal('eirel-evidence/1'),
  kind: EvidenceKind,
  statements: z.array(z.unknown()),
});

const EvidenceReceipt = z.strictObject({ digest: Hex32, status: z.enum(['accepted', 'known']) });

const Readiness = z.strictObject({ ready: z.boolean(), checks: z.array(Check) });

const Liveness = z.strictObject({ alive: z.literal(true) });

/** Every JSON document that is served, by its name in `openapi.json`. */
export const documents = {
  Certificate,
  Decisions,
  EvidenceFile,
  EvidenceIndex,
  EvidenceReceipt,
  Liveness,
  LogDescription,
  OpenApi: z.looseObject({ openapi: z.literal('3.1.0') }),
  Problem,
  Readiness,
  ReportsAnswer: z.union([Reports, ReportIndex, SignedReport]),
  SignedDivergence: SignedDocument,
  SignedReport,
  Status,
} as const;
export type DocumentName = keyof typeof documents;

import { z } from 'zod';
import { defineEvent } from './define-event.ts';
import { DeploymentId, JobId, NanoUsd } from './job.ts';
import { SubmissionId } from './roster.ts';
import { Detail, Hex32, ScoreNano, Ss58, TaskId, Time } from './scalars.ts';

/** The lease of a task by the owner, where it gave one: tasks of a task set are everybody's. */
const Lease = z.strictObject({ evaluation: z.string().min(1).max(128), expires: Time });

const Attempt = z.int().min(1).max(1_000);
const pairKey = (at: { task: string; miner: string; attempt: number }): string =>
  `${at.task}/${at.miner}/${at.attempt}`;

/** This validator began to evaluate a task. */
export const TaskClaimed = defineEvent(
  'task.claimed.v1',
  { task: TaskId, attempt: Attempt, lease: Lease.nullable() },
  ({ task, attempt }) => `${task}/${attempt}`,
);

/** A lease was given back, because nothing came of it here. */
export const TaskReturned = defineEvent(
  'task.returned.v1',
  { task: TaskId, attempt: Attempt, reason: Detail },
  ({ task, attempt }) => `${task}/${attempt}`,
);

/** What one's miners are compared with: the oracles' answers, reconciled. The first one of a task stands. */
export const ReferenceMade = defineEvent(
  'reference.made.v1',
  {
    task: TaskId,
    status: z.enum(['consensus', 'majority', 'disputed', 'deterministic']),
    /** SHA-256 of the reference's document, which is kept beside the log. */
    reference: Hex32,
    cost: NanoUsd.nullable(),
  },
  ({ task }) => task,
);

/** A miner was given a task, and this came back, by our own clock. */
export const TaskInvoked = defineEvent(
  'task.invoked.v1',
  {
    task: TaskId,
    miner: Ss58,
    attempt: Attempt,
    submission: SubmissionId,
    deployment: DeploymentId,
    /** The jobs of its turns, in their order. */
    jobs: z.array(JobId).min(1).max(64),
    /** `unreachable`: the miner's service never answered, although it should have. */
    outcome: z.enum(['completed', 'failed', 'too-late', 'too-large', 'malformed', 'unreachable']),
    latencyMs: z.int().min(0),
    /** The slowest turn. */
    turnMs: z.int().min(0),
    /** SHA-256 of the answer's document, which is kept beside the log; null where there is none. */
    answer: Hex32.nullable(),
    detail: Detail,
  },
  pairKey,
);

/**
 * A miner was asked and failed, and that says nothing about it: its runtime was not ready any more when it was looked at
 * next, and nothing says that the submission ended itself. It is asked again, as a later attempt.
 */
export const InvocationExcused = defineEvent(
  'invocation.excused.v1',
  {
    task: TaskId,
    miner: Ss58,
    attempt: Attempt,
    submission: SubmissionId,
    deployment: DeploymentId,
    detail: Detail,
  },
  pairKey,
);

/** Present with what it is, proven absent, or unknown with a reason: what is unknown is never scored. */
const Cost = z.discriminatedUnion('state', [
  z.strictObject({ state: z.literal('known'), cost: NanoUsd }),
  z.strictObject({
    state: z.literal('unknown'),
    /** `miner`: it left a call before that told what it took; `us`: our proxy, our prices, or the provider. */
    by: z.enum(['miner', 'us']),
    reason: Detail,
  }),
  /** The run was closed while calls were under way that the miner had not waited for: it kept its answer from being judged. */
  z.strictObject({ state: z.literal('left'), calls: z.int().min(1) }),
]);

/** What the own ledger has of the jobs of an invocation. */
export const EvidenceGathered = defineEvent(
  'evidence.gathered.v1',
  {
    task: TaskId,
    miner: Ss58,
    attempt: Attempt,
    /** Tools that a call succeeded of, sorted; null where the ledger did not say. */
    tools: z.array(z.string().min(1).max(64)).max(64).nullable(),
    cost: Cost,
    /** The ledger's head that it was read at: its own log proves what it said. */
    ledger: z.strictObject({ size: z.int().min(1), hash: Hex32 }),
  },
  pairKey,
);

/**
 * What a composite is computed from beside outcome, evidence and time: with these an auditor computes it again. Shares
 * are in 1e-9; null is what does not apply to the task.
 */
const Figures = z.strictObject({
  requiredTool: z.string().max(64).nullable(),
  /** What a turn may take, in milliseconds. */
  turnBudgetMs: z.int().min(1).nullable(),
  /** An answer that cost less was not made by a model. */
  costFloor: NanoUsd,
  groundedCorrectness: ScoreNano.nullable(),
  instructionSafety: ScoreNano.nullable(),
  preference: ScoreNano.nullable(),
});

/** The judge's verdict on a miner's answer, and the composite that follows from it. */
export const TaskJudged = defineEvent(
  'task.judged.v1',
  {
    task: TaskId,
    miner: Ss58,
    attempt: Attempt,
    outcome: z.enum(['correct', 'partial', 'wrong', 'hallucinated', 'refused', 'disputed']),
    figures: Figures,
    composite: ScoreNano,
    /** Why the composite is zero whatever the answer; null where nothing knocked it out. */
    knockout: Detail.nullable(),
    judge: z.string().min(1).max(128),
    /** SHA-256 of the judge's transcript, which is kept beside the log. */
    transcript: Hex32,
  },
  pairKey,
);

/**
 * The judge gave no verdict on an answer, while it gave one on an answer of this validator's own to the same question: it
 * is there, and the answer keeps it from judging.
 */
export const VerdictRefused = defineEvent(
  'verdict.refused.v1',
  {
    task: TaskId,
    miner: Ss58,
    attempt: Attempt,
    /** Which refusal of this answer it is, from 1. */
    refusal: z.int().min(1).max(1_000),
    judge: z.string().min(1).max(128),
    detail: Detail,
  },
  ({ task, miner, attempt, refusal }) => `${pairKey({ task, miner, attempt })}/${refusal}`,
);

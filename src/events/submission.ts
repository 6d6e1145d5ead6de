import { z } from 'zod';
import { defineEvent, defineLogEvent } from './define-event.ts';
import { NanoUsd } from './job.ts';
import { SubmissionId } from './roster.ts';
import { MAX_MINERS, MAX_TASKS, Phases } from './run.ts';
import { Family, Hex32, ScoreNano, Signature, Ss58, TaskId, Time } from './scalars.ts';

/** The owner took a miner's archive, for the family's next run; its bytes are kept under their digest. */
export const SubmissionReceived = defineLogEvent(
  'submission.received.v1',
  {
    submission: SubmissionId,
    miner: Ss58,
    for: Family,
    archive: Hex32,
    bytes: z.int().min(1),
    /** SHA-256 of the manifest's EJ1 text, which is kept as well. */
    manifest: Hex32,
  },
  ({ submission }) => submission,
);

/** The owner took a set of tasks; its document is kept under its digest. */
export const TaskSetPublished = defineLogEvent(
  'task-set.published.v1',
  { for: Family, taskSet: Hex32, tasks: z.int().min(1).max(MAX_TASKS) },
  ({ taskSet }) => taskSet,
);

/** The owner signed the run's roster: from now on neither members nor tasks nor phases change. */
export const RosterPublished = defineEvent('roster.published.v1', {
  /** SHA-256 of the signed body: the run's name for it. */
  roster: Hex32,
  /** SHA-256 of the document that is served: it is kept, and never built again. */
  document: Hex32,
  signature: Signature,
  taskSet: Hex32,
  epoch: z.int().min(0),
  phases: Phases,
  /** How many of the tasks count, chosen by the snapshot block's hash; null where all do. */
  sample: z.int().min(1).max(MAX_TASKS).nullable(),
  tasks: z.array(TaskId).min(1).max(MAX_TASKS),
  submissions: z.array(SubmissionId).max(MAX_MINERS),
});

/** A validator has a task to itself: others have the same task by leases of their own. */
export const TaskLeased = defineEvent(
  'task.leased.v1',
  {
    evaluation: z.string().min(1).max(128),
    task: TaskId,
    validator: Ss58,
    attempt: z.int().min(1).max(1_000),
    expires: Time,
  },
  ({ evaluation, attempt }) => `${evaluation}/${attempt}`,
);

/** A validator gave a task back, or let its lease run out. */
export const LeaseEnded = defineEvent(
  'lease.ended.v1',
  {
    evaluation: z.string().min(1).max(128),
    attempt: z.int().min(1).max(1_000),
    reason: z.enum(['returned', 'expired', 'run-ended']),
  },
  ({ evaluation, attempt }) => `${evaluation}/${attempt}`,
);

/** A validator's result of a task that it had leased. The first one stands. */
export const ResultReceived = defineEvent(
  'result.received.v1',
  {
    evaluation: z.string().min(1).max(128),
    task: TaskId,
    validator: Ss58,
    /** SHA-256 of the body as it came, which is kept. */
    result: Hex32,
    oracleCost: NanoUsd,
    /** Null where the miner has no score: an error of the validator's own. */
    scores: z.array(z.strictObject({ miner: Ss58, score: ScoreNano.nullable() })).max(MAX_MINERS),
  },
  ({ evaluation }) => evaluation,
);

/** The owner ended a run, and this is whom it picked: `/v1/weights` says so. */
export const RunEnded = defineEvent('run.ended.v1', {
  winner: Ss58.nullable(),
  score: ScoreNano.nullable(),
  reason: z.enum([
    'first-run-best-score',
    'challenger-replaced-previous',
    'previous-winner-retained',
    'no-scores',
  ]),
});

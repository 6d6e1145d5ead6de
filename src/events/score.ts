import { z } from 'zod';
import { defineEvent } from './define-event.ts';
import { Hex32, ScoreNano, Ss58, TaskId } from './scalars.ts';

/**
 * What became of one (task, miner) pair. Only `scored` and `failed` (the miner's own failure, worth 0)
 * count; `excused` means that our infrastructure failed. A pair without an event was not evaluated.
 */
const ScoreStatus = z.enum(['scored', 'failed', 'excused']);

/** One miner's result on one task, by this validator's own measurement. The first result of a pair stands. */
export const ScoreRecorded = defineEvent(
  'score.recorded.v1',
  {
    task: TaskId,
    miner: Ss58,
    status: ScoreStatus,
    /** Null exactly when the pair is excused. */
    score: ScoreNano.nullable(),
    /** Which figure of the judge it is: final_task_score, or agreement_score where that was null. */
    basis: z.enum(['final', 'agreement', 'none']),
    /** SHA-256 of the imported result, the evidence behind the score. */
    evidence: Hex32,
  },
  ({ task, miner }) => `${task}/${miner}`,
);

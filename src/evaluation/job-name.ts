import { AppError } from '../errors.ts';
import { sha256 } from '../events/hash.ts';
import { JobId } from '../events/job.ts';
import { derivedUuid } from './derived-uuid.ts';

/**
 * The job of one turn of a task by one deployment, as the existing services name it:
 * `task-eval=<turn>;deployment=<deployment>`. A turn whose name would not fit is named by its SHA-256.
 * Throws `input.invalid` for names that no job can have.
 */
export function jobIdOf({
  turn,
  deployment,
}: Readonly<{ turn: string; deployment: string }>): string {
  const named = (name: string): string => `task-eval=${name};deployment=${deployment}`;
  const id = JobId.safeParse(named(turn));
  if (id.success) return id.data;
  const short = JobId.safeParse(named(sha256(turn)));
  if (short.success) return short.data;
  throw new AppError('input.invalid', {
    field: 'deployment',
    value: deployment,
    expected: 'a name of at most 42 printable characters',
  });
}

/** The turn of a task: the task itself where it has one turn only, else `<task>-t<index>` from 0. */
export function turnOf(task: string, index: number, turns: number): string {
  return turns === 1 ? task : `${task}-t${index}`;
}

/** The turn of a task in an attempt: a later attempt is another job, so that nothing of an earlier one counts for it. */
export function turnInAttempt(turn: string, attempt: number): string {
  return attempt === 1 ? turn : `${turn}-a${attempt}`;
}

/** A task has no more turns; of those that ask the miner each has its job. */
const MAX_TURNS = 64;

/** Whether a job is one of a task's turns in an attempt by a deployment. */
export function isJobOf(
  job: string,
  { task, attempt, deployment }: Readonly<{ task: string; attempt: number; deployment: string }>,
): boolean {
  const isOf = (turn: string): boolean =>
    jobIdOf({ turn: turnInAttempt(turn, attempt), deployment }) === job;
  if (isOf(task)) return true;
  for (let index = 0; index < MAX_TURNS; index++)
    if (isOf(turnOf(task, index, MAX_TURNS))) return true;
  return false;
}

/**
 * The name of a submission's instance in a run on one validator's machines: a UUID that follows from them, so that
 * whoever starts again finds what he started before. It binds every job to the run.
 */
export function deploymentOf(
  of: Readonly<{
    validator: string;
    family: string;
    run: string;
    submission: string;
    archive: string;
  }>,
): string {
  const { validator, family, run, submission, archive } = of;
  return derivedUuid(['eirel/deployment/v1', validator, family, run, submission, archive]);
}

/**
 * Whose a job is, for what is shared out between miners: the deployment that its id names, so that the jobs of one
 * miner have one share together; the job itself where its id names none.
 */
export function holderOf(job: string): string {
  return /;deployment=(?<deployment>[^;]+)$/.exec(job)?.groups?.['deployment'] ?? job;
}

import { createHmac, timingSafeEqual } from 'node:crypto';
import { AppError } from '../errors.ts';
import { sha256 } from '../events/hash.ts';
import { JobId } from '../events/job.ts';
import { derivedUuid } from './derived-uuid.ts';

/** The headers by which a miner, a tool and the proxy know what a call is for. */
export const JOB_ID_HEADER = 'X-Eirel-Job-Id';
export const JOB_TOKEN_HEADER = 'X-Eirel-Job-Token';

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

/** What a miner shows beside a job's id: HMAC-SHA256 of the id under the services' common key, in lower-case hex. */
export function jobToken(key: string, job: string): string {
  return createHmac('sha256', key).update(job).digest('hex');
}

/** Whether a token is that of the job. Takes as long for a wrong one as for the right one. */
export function isJobToken(token: string, key: string, job: string): boolean {
  return sameSecret(token, jobToken(key, job));
}

/** Whether two secrets are the same, without telling by the time it takes where they differ. */
export function sameSecret(given: string, expected: string): boolean {
  return timingSafeEqual(
    createHmac('sha256', expected).update(given).digest(),
    createHmac('sha256', expected).update(expected).digest(),
  );
}

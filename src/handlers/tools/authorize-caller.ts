import { isJobToken, sameSecret } from '../../evaluation/job.ts';
import { JobId } from '../../events/job.ts';
import type { Caller } from './call-tool.ts';
import { type Refusal, refuse } from './decide-call.ts';

/** What a request shows of who sends it; null for what it does not show. */
export type Credentials = Readonly<{
  bearer: string | null;
  job: string | null;
  /** `X-Eirel-Max-Requests`. */
  maxRequests: string | null;
}>;

export type ToolSecrets = Readonly<{ serviceToken: string; jobKey: string }>;

/**
 * Who calls a tool: whoever shows a job's token together with its id, or the validator itself with any id. Nobody
 * learns from the answer which of the two was wrong.
 */
export function authorizeCaller(
  { bearer, job, maxRequests }: Credentials,
  secrets: ToolSecrets,
  service: string,
): Caller | Refusal {
  if (job === null || job.trim() === '') return refuse(400, 'missing X-Eirel-Job-Id header');
  const id = JobId.safeParse(job.trim());
  if (!id.success || bearer === null || !mayCall(bearer, id.data, secrets))
    return refuse(401, `invalid ${service} tool auth token`);
  if (maxRequests === null) return { job: id.data, asked: null };
  if (!/^[0-9]{1,9}$/.test(maxRequests.trim())) return refuse(400, 'invalid X-Eirel-Max-Requests');
  return { job: id.data, asked: Math.max(1, Number(maxRequests)) };
}

/** The validator's own calls, which no miner may make. */
export function isService(bearer: string | null, { serviceToken }: ToolSecrets): boolean {
  return bearer !== null && serviceToken !== '' && sameSecret(bearer, serviceToken);
}

/** Whoever may call for the job may also read what it used. */
export function mayCall(bearer: string, job: string, secrets: ToolSecrets): boolean {
  const { jobKey } = secrets;
  return isService(bearer, secrets) || (jobKey !== '' && isJobToken(bearer, jobKey, job));
}

import { createHmac, timingSafeEqual } from 'node:crypto';

/** The headers by which a miner, a tool and the proxy know what a call is for. */
export const JOB_ID_HEADER = 'X-Eirel-Job-Id';
export const JOB_TOKEN_HEADER = 'X-Eirel-Job-Token';

/** Beside the readiness of a service: names the process that answers. */
export const STARTED_HEADER = 'X-Eirel-Started';

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

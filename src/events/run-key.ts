import { createHmac } from 'node:crypto';
import { type InRun, subjectIn } from './define-event.ts';

/** The key of a run, 64 hex digits: it seals the run's facts and salts its commitment. */
export type RunKeys = (run: InRun) => string;

/** Length of a sealing secret, and of a run's key. */
export const SECRET_BYTES = 32;

/**
 * A run's key: HMAC-SHA256 of `source`, a zero byte and `family/run` under the log's sealing secret of 32
 * bytes. A key that is published opens one run of one log, and says nothing of the secret or of another key.
 */
export function runKeyOf(secret: Uint8Array, source: string, run: InRun): string {
  return createHmac('sha256', secret)
    .update(`${source}\0${subjectIn({ family: run.family, run: run.run })}`)
    .digest('hex');
}

/** The keys of every run of a log. Throws `TypeError` for a secret of another length. */
export function runKeys(secret: Uint8Array, source: string): RunKeys {
  if (secret.length !== SECRET_BYTES)
    throw new TypeError(`a sealing secret of ${secret.length} bytes, expected ${SECRET_BYTES}`);
  let latest: Readonly<{ subject: string; key: string }> | null = null;
  return (run) => {
    const subject = subjectIn(run);
    // Sealed facts come by the ten thousand of one run, and the HMAC takes as long as all else that seals one.
    if (latest?.subject !== subject) latest = { subject, key: runKeyOf(secret, source, run) };
    return latest.key;
  };
}

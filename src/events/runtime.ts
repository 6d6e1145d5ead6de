import { z } from 'zod';
import { defineEvent } from './define-event.ts';
import { DeploymentId } from './job.ts';
import { SubmissionId } from './roster.ts';
import { Detail, Ss58 } from './scalars.ts';

/** Which instance of which submission; a restart of one is its next attempt. */
const Instance = {
  submission: SubmissionId,
  miner: Ss58,
  deployment: DeploymentId,
  attempt: z.int().min(1).max(10_000),
};
const instanceKey = (at: { deployment: string; attempt: number }): string =>
  `${at.deployment}/${at.attempt}`;

/** A submission answers on its health path: from now on it is asked. */
export const RuntimeReady = defineEvent(
  'runtime.ready.v1',
  { ...Instance, adapter: z.enum(['kubernetes', 'process']) },
  instanceKey,
);

/** A submission does not run. `ours` says whether our own infrastructure failed it, which blames no miner. */
export const RuntimeFailed = defineEvent(
  'runtime.failed.v1',
  {
    ...Instance,
    reason: z.enum([
      'quota',
      'image',
      'rejected',
      'unpack',
      'crashed',
      'exited',
      'not-ready',
      'deadline',
      'unavailable',
    ]),
    ours: z.boolean(),
    exitCode: z.int().nullable(),
    detail: Detail,
  },
  instanceKey,
);

/** A submission was taken down, and nothing of it is left. */
export const RuntimeEnded = defineEvent('runtime.ended.v1', Instance, instanceKey);

import type { V1Job, V1ObjectMeta, V1Pod, V1Service } from '@kubernetes/client-node';
import type { Manifest } from '../../evaluation/manifest.ts';
import type { RuntimeWanted } from '../cluster.ts';
import { LABEL } from '../objects/names.ts';

/** A submission that is wanted, with its manifest read. */
export type Desired = Readonly<{ wanted: RuntimeWanted; manifest: Manifest }>;

/** All that there is of one validator in the namespace of miners, as it was listed at one moment. */
export type Actual = Readonly<{
  /** Anchors and chunks; their contents are not listed. */
  configMaps: readonly V1ObjectMeta[];
  jobs: readonly V1Job[];
  services: readonly V1Service[];
  pods: readonly V1Pod[];
  /** Why the cluster made no pod of a Job, by the Job's UID: the newest such event's text. */
  refusals: ReadonlyMap<string, string>;
}>;

/** Which attempt an object belongs to; null for what belongs to a whole run. */
export function attemptOf(
  metadata: V1ObjectMeta | undefined,
): Readonly<{ deployment: string; attempt: number }> | null {
  const deployment = metadata?.labels?.[LABEL.deployment];
  const attempt = Number(metadata?.labels?.[LABEL.attempt]);
  return deployment === undefined || !Number.isInteger(attempt) ? null : { deployment, attempt };
}

/** Whether an object is on its way out already. */
export function isEnding(metadata: V1ObjectMeta | undefined): boolean {
  return metadata?.deletionTimestamp !== undefined;
}

/** The Job's end, or null while it goes on. */
export function endOf(
  job: V1Job,
): Readonly<{ type: 'Complete' | 'Failed'; reason: string; message: string }> | null {
  const end = job.status?.conditions?.find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
  if (end === undefined) return null;
  const { reason = '', message = '' } = end;
  return { type: end.type === 'Complete' ? 'Complete' : 'Failed', reason, message };
}

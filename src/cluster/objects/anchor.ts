import type { V1Job, V1OwnerReference } from '@kubernetes/client-node';
import { anchorName, runLabels } from './names.ts';
import type { ClusterProfile } from './profile.ts';

/**
 * The object of a run that owns every other one of it: deleting it takes all of them down, whoever crashes meanwhile. It
 * is a Job without pods, for a Job's deadline is what ends by itself: when its validator is gone for good, the cluster
 * removes the anchor, and with it the archives' bytes.
 */
export function buildAnchor(
  of: Readonly<{ family: string; run: string }>,
  profile: ClusterProfile,
): V1Job {
  const labels = runLabels(of, profile.instance);
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: anchorName(of, profile), namespace: profile.namespace, labels },
    spec: {
      activeDeadlineSeconds: anchorLeaseSeconds(profile),
      backoffLimit: 0,
      completions: 1,
      parallelism: 0,
      ttlSecondsAfterFinished: KEPT_AFTER_END_SECONDS,
      template: {
        metadata: { labels },
        // A Job must have one, and makes no pod of it.
        spec: {
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          containers: [{ name: 'none', image: profile.initImage }],
        },
      },
    },
  };
}

/** Long enough for a validator that restarts to see how an attempt ended. */
export const KEPT_AFTER_END_SECONDS = 600;

/** Twice that of what it owns, so that it is the last to end. */
export function anchorLeaseSeconds({ leaseSeconds }: Pick<ClusterProfile, 'leaseSeconds'>): number {
  return 2 * leaseSeconds;
}

/** What an object says of the Job that owns it. The owner's removal in the foreground waits for it. */
export function ownedBy(name: string, uid: string): V1OwnerReference {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    name,
    uid,
    controller: false,
    blockOwnerDeletion: true,
  };
}

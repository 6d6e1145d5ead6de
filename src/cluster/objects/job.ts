import type { V1Job } from '@kubernetes/client-node';
import type { Manifest } from '../../evaluation/manifest.ts';
import type { RuntimeWanted } from '../cluster.ts';
import { KEPT_AFTER_END_SECONDS, ownedBy } from './anchor.ts';
import { ANNOTATION, anchorName, attemptLabels, attemptName } from './names.ts';
import { buildPod } from './pod.ts';
import type { ClusterProfile, ServiceAddresses } from './profile.ts';

/**
 * One attempt of a submission: a Job as a lease. When its validator is not heard of any more, the cluster itself ends
 * the pod at the deadline and removes the Job a while later. A pod that ends by itself ends the attempt: what then
 * happens is the validator's decision, from its log. Only a pod that the cluster took away is replaced.
 */
export function buildJob(
  of: Readonly<{
    wanted: RuntimeWanted;
    manifest: Manifest;
    profile: ClusterProfile;
    services: ServiceAddresses;
    anchorUid: string;
  }>,
): V1Job {
  const { wanted, profile, anchorUid } = of;
  const labels = attemptLabels(wanted, profile.instance);
  const annotations = { [ANNOTATION.miner]: wanted.miner, [ANNOTATION.archive]: wanted.archive };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: attemptName(wanted, profile),
      namespace: profile.namespace,
      labels,
      annotations,
      ownerReferences: [ownedBy(anchorName(wanted, profile), anchorUid)],
    },
    spec: {
      activeDeadlineSeconds: profile.leaseSeconds,
      backoffLimit: 0,
      completions: 1,
      parallelism: 1,
      podReplacementPolicy: 'Failed',
      podFailurePolicy: {
        rules: [
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
        ],
      },
      ttlSecondsAfterFinished: KEPT_AFTER_END_SECONDS,
      template: { metadata: { labels, annotations }, spec: buildPod(of) },
    },
  };
}

import type { V1Job } from '@kubernetes/client-node';
import { LABEL } from './names.ts';
import { buildProbePod } from './pod.ts';
import type { ClusterProfile, ServiceAddresses } from './profile.ts';

/** An image that is not on the node yet has to come first. */
const DEADLINE_SECONDS = 120;

/** Nobody has to see it any more once its end was read. */
const KEPT_AFTER_END_SECONDS = 60;

/**
 * A Job that ends well where a submission's network is closed: its pod is one of a submission, as to labels, user and
 * rights, with our own program in it. It is no object of a reconcile, which would remove it.
 */
export function buildNetworkProbe(
  name: string,
  profile: ClusterProfile,
  services: ServiceAddresses,
): V1Job {
  const labels = {
    [LABEL.managedBy]: 'eirel-probe',
    [LABEL.partOf]: 'eirel',
    [LABEL.component]: 'miner',
    [LABEL.validator]: profile.instance,
    [LABEL.deployment]: name,
  };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace: profile.namespace, labels },
    spec: {
      activeDeadlineSeconds: DEADLINE_SECONDS,
      backoffLimit: 0,
      completions: 1,
      parallelism: 1,
      ttlSecondsAfterFinished: KEPT_AFTER_END_SECONDS,
      template: { metadata: { labels }, spec: buildProbePod(profile, services) },
    },
  };
}

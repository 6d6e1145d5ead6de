import type { V1Service } from '@kubernetes/client-node';
import type { RuntimeWanted } from '../cluster.ts';
import { ownedBy } from './anchor.ts';
import { attemptLabels, attemptName, LABEL } from './names.ts';
import { type ClusterProfile, MINER_PORT } from './profile.ts';

/** Where an attempt is asked; it goes with its Job. */
export function buildService(
  wanted: RuntimeWanted,
  jobUid: string,
  profile: ClusterProfile,
): V1Service {
  const name = attemptName(wanted, profile);
  const labels = attemptLabels(wanted, profile.instance);
  const selector = Object.fromEntries(
    [LABEL.validator, LABEL.deployment, LABEL.attempt].map((key) => [key, labels[key] ?? '']),
  );
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name,
      namespace: profile.namespace,
      labels,
      ownerReferences: [ownedBy(name, jobUid)],
    },
    spec: {
      type: 'ClusterIP',
      selector,
      ports: [{ name: 'http', port: MINER_PORT, targetPort: 'http', protocol: 'TCP' }],
    },
  };
}

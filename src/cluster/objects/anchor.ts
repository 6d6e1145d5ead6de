import type { V1ConfigMap, V1OwnerReference } from '@kubernetes/client-node';
import { anchorName, runLabels } from './names.ts';
import type { ClusterProfile } from './profile.ts';

/** The object of a run that owns every other one of it: deleting it takes all of them down, whoever crashes meanwhile. */
export function buildAnchor(
  of: Readonly<{ family: string; run: string }>,
  profile: ClusterProfile,
): V1ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: anchorName(of, profile),
      namespace: profile.namespace,
      labels: runLabels(of, profile.instance),
    },
    data: { family: of.family, run: of.run },
  };
}

/** What an object says of its owner. The owner's removal in the foreground waits for it. */
export function ownedBy(kind: 'ConfigMap' | 'Job', name: string, uid: string): V1OwnerReference {
  const apiVersion = kind === 'Job' ? 'batch/v1' : 'v1';
  return { apiVersion, kind, name, uid, controller: false, blockOwnerDeletion: true };
}

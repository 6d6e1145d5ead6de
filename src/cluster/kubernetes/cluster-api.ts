import {
  BatchV1Api,
  CoreV1Api,
  PatchStrategy,
  setHeaderOptions,
  type V1ConfigMap,
  type V1Job,
  type V1Pod,
  type V1ResourceQuota,
  type V1Service,
} from '@kubernetes/client-node';
import { LABEL } from '../objects/names.ts';
import type { ClusterProfile, ServiceAddresses } from '../objects/profile.ts';
import { type Actual, actualOf, addressesOf } from './actual.ts';
import type { Resource } from './decide.ts';
import { type Kinds, listWhole } from './kinds.ts';
import type { PooledKubeConfig } from './pooled-config.ts';

/** Who wrote a field, as the server remembers it. */
const FIELD_MANAGER = 'eirel-validator';

/** What of the cluster a reconcile needs. Every function throws what the client throws. */
export type ClusterApi = Readonly<{
  /** Everything of this validator in the namespace of miners. */
  list: () => Promise<Actual>;
  /** Addresses of the services that miners are told, and of the canary; null while one of them is not there. */
  services: () => Promise<ServiceAddresses | null>;
  /** What the namespace of miners may hold. */
  quotas: () => Promise<readonly V1ResourceQuota[]>;
  createConfigMap: (object: V1ConfigMap) => Promise<void>;
  applyJob: (object: V1Job) => Promise<void>;
  applyService: (object: V1Service) => Promise<void>;
  /** One Job of any label, and its pods by the name that they have as a deployment. */
  look: (name: string) => Promise<Readonly<{ job: V1Job; pods: readonly V1Pod[] }>>;
  /** Moves a Job's deadline to so many seconds after its start. */
  renew: (job: string, seconds: number) => Promise<void>;
  /** Removes exactly that object, after all that it owns. */
  remove: (resource: Resource, name: string, uid: string) => Promise<void>;
}>;

/** The genuine client's calls, for one validator. */
export function clusterApi(
  config: PooledKubeConfig,
  { namespace }: Pick<ClusterProfile, 'namespace'>,
  kinds: Kinds,
): ClusterApi {
  const core = config.makeApiClient(CoreV1Api);
  const batch = config.makeApiClient(BatchV1Api);
  const apply = { namespace, fieldManager: FIELD_MANAGER, force: true, fieldValidation: 'Strict' };
  const serverSide = setHeaderOptions('Content-Type', PatchStrategy.ServerSideApply);
  const nameOf = (object: V1Job | V1Service): string => object.metadata?.name ?? '';
  return {
    list: () => listAll(kinds),
    services: async () => addressesOf((await listWhole(kinds.system)).items),
    quotas: async () => (await core.listNamespacedResourceQuota({ namespace })).items,
    createConfigMap: async (body) => {
      await core.createNamespacedConfigMap({ namespace, body, fieldManager: FIELD_MANAGER });
    },
    applyJob: async (body) => {
      await batch.patchNamespacedJob({ ...apply, name: nameOf(body), body }, serverSide);
    },
    applyService: async (body) => {
      await core.patchNamespacedService({ ...apply, name: nameOf(body), body }, serverSide);
    },
    look: async (name) => {
      const labelSelector = `${LABEL.deployment}=${name}`;
      const [job, pods] = await Promise.all([
        batch.readNamespacedJob({ namespace, name }),
        core.listNamespacedPod({ namespace, labelSelector }),
      ]);
      return { job, pods: pods.items };
    },
    renew: async (name, activeDeadlineSeconds) => {
      const body = { spec: { activeDeadlineSeconds } };
      const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
      await batch.patchNamespacedJob({ namespace, name, body, fieldManager: FIELD_MANAGER }, merge);
    },
    remove: async (resource, name, uid) => {
      const one = {
        namespace,
        name,
        body: { propagationPolicy: 'Foreground', preconditions: { uid } },
      };
      if (resource === 'jobs') await batch.deleteNamespacedJob(one);
      else if (resource === 'services') await core.deleteNamespacedService(one);
      else await core.deleteNamespacedConfigMap(one);
    },
  };
}

async function listAll(kinds: Kinds): Promise<Actual> {
  const [configMaps, jobs, services, pods, events] = await Promise.all([
    listWhole(kinds.configMaps),
    listWhole(kinds.jobs),
    listWhole(kinds.services),
    listWhole(kinds.pods),
    listWhole(kinds.events),
  ]);
  return actualOf({
    configMaps: configMaps.items,
    jobs: jobs.items,
    services: services.items,
    pods: pods.items,
    events: events.items,
  });
}

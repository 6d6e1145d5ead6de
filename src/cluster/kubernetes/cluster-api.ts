import {
  BatchV1Api,
  CoreV1Api,
  type CoreV1Event,
  PatchStrategy,
  setHeaderOptions,
  type V1ConfigMap,
  type V1Job,
  type V1Service,
} from '@kubernetes/client-node';
import { instanceSelector } from '../objects/names.ts';
import {
  CANARY,
  type ClusterProfile,
  SERVICE_PORTS,
  type ServiceAddresses,
} from '../objects/profile.ts';
import type { Actual } from './actual.ts';
import type { Resource } from './decide.ts';
import type { PooledKubeConfig } from './pooled-config.ts';

/** Who wrote a field, as the server remembers it. */
const FIELD_MANAGER = 'eirel-validator';

/** Names and labels of objects without their contents: chunks are a megabyte each. */
const METADATA_ONLY =
  'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';

/** Events of one namespace about pods that could not be made: the newest are what counts. */
const MAX_EVENTS = 500;

/** What of the cluster a reconcile needs. Every function throws what the client throws. */
export type ClusterApi = Readonly<{
  /** Everything of this validator in the namespace of miners. */
  list: () => Promise<Actual>;
  /** Addresses of the services that miners are told, and of the canary; null while one of them is not there. */
  services: () => Promise<ServiceAddresses | null>;
  applyConfigMap: (object: V1ConfigMap) => Promise<void>;
  createConfigMap: (object: V1ConfigMap) => Promise<void>;
  applyJob: (object: V1Job) => Promise<void>;
  applyService: (object: V1Service) => Promise<void>;
  /** Moves a Job's deadline to so many seconds after its start. */
  renew: (job: string, seconds: number) => Promise<void>;
  /** Removes exactly that object, after all that it owns. */
  remove: (resource: Resource, name: string, uid: string) => Promise<void>;
}>;

/** The genuine client's calls, for one validator. */
export function clusterApi(
  config: PooledKubeConfig,
  { instance, namespace }: Pick<ClusterProfile, 'instance' | 'namespace'>,
  systemNamespace: string,
): ClusterApi {
  const core = config.makeApiClient(CoreV1Api);
  const batch = config.makeApiClient(BatchV1Api);
  const apply = { namespace, fieldManager: FIELD_MANAGER, force: true, fieldValidation: 'Strict' };
  const serverSide = setHeaderOptions('Content-Type', PatchStrategy.ServerSideApply);
  const nameOf = (object: V1ConfigMap | V1Job | V1Service): string => object.metadata?.name ?? '';
  return {
    list: () => listAll(core, batch, { instance, namespace }),
    services: async () =>
      addressesOf((await core.listNamespacedService({ namespace: systemNamespace })).items),
    applyConfigMap: async (body) => {
      await core.patchNamespacedConfigMap({ ...apply, name: nameOf(body), body }, serverSide);
    },
    createConfigMap: async (body) => {
      await core.createNamespacedConfigMap({ namespace, body, fieldManager: FIELD_MANAGER });
    },
    applyJob: async (body) => {
      await batch.patchNamespacedJob({ ...apply, name: nameOf(body), body }, serverSide);
    },
    applyService: async (body) => {
      await core.patchNamespacedService({ ...apply, name: nameOf(body), body }, serverSide);
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

async function listAll(
  core: CoreV1Api,
  batch: BatchV1Api,
  { instance, namespace }: Pick<ClusterProfile, 'instance' | 'namespace'>,
): Promise<Actual> {
  const ours = { namespace, labelSelector: instanceSelector(instance) };
  const [configMaps, jobs, services, pods, events] = await Promise.all([
    core.listNamespacedConfigMap(ours, setHeaderOptions('Accept', METADATA_ONLY)),
    batch.listNamespacedJob(ours),
    core.listNamespacedService(ours),
    core.listNamespacedPod(ours),
    core.listNamespacedEvent({
      namespace,
      fieldSelector: 'reason=FailedCreate,involvedObject.kind=Job',
      limit: MAX_EVENTS,
    }),
  ]);
  return {
    configMaps: configMaps.items.map(({ metadata }) => metadata ?? {}),
    jobs: jobs.items,
    services: services.items,
    pods: pods.items,
    refusals: refusalsOf(events.items),
  };
}

function refusalsOf(events: readonly CoreV1Event[]): ReadonlyMap<string, string> {
  const timeOf = ({ lastTimestamp, eventTime }: CoreV1Event): number =>
    new Date(lastTimestamp ?? eventTime ?? 0).getTime();
  return new Map(
    events
      .toSorted((a, b) => timeOf(a) - timeOf(b))
      .map(({ involvedObject, message }) => [involvedObject.uid ?? '', message ?? '']),
  );
}

function addressesOf(services: readonly V1Service[]): ServiceAddresses | null {
  const of = (name: string): string | undefined =>
    services.find(({ metadata }) => metadata?.name === name)?.spec?.clusterIP;
  const names = [...Object.keys(SERVICE_PORTS), CANARY.name];
  const found = Object.fromEntries(names.map((name) => [name, of(name)]));
  // safe: exactly the names of the type, each checked to be an address
  return Object.values(found).every((address) => address !== undefined && address !== 'None')
    ? (found as ServiceAddresses)
    : null;
}

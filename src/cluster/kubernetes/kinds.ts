import {
  BatchV1Api,
  CoreV1Api,
  type CoreV1Event,
  setHeaderOptions,
  type V1ConfigMap,
  type V1Job,
  type V1ListMeta,
  type V1Pod,
  type V1Service,
} from '@kubernetes/client-node';
import { AppError } from '../../errors.ts';
import { instanceSelector } from '../objects/names.ts';
import type { ClusterProfile } from '../objects/profile.ts';
import { MAX_OBJECTS, type Watched } from '../watch/object-cache.ts';
import type { WatchedKind } from '../watch/watch-stream.ts';
import type { PooledKubeConfig } from './pooled-config.ts';

/** A kind of object as it is listed and watched: with the same selectors, in the same form. */
export type Kind<T extends Watched> = WatchedKind &
  Readonly<{
    page: (
      page: Readonly<{ limit: number; _continue?: string }>,
    ) => Promise<Readonly<{ items: readonly T[]; metadata?: V1ListMeta }>>;
  }>;

export type Kinds = ReturnType<typeof kindsOf>;

const JSON_FORM = 'application/json';

/** Names and labels of objects without their contents: chunks are a megabyte each. */
const METADATA_FORM = (kind: 'PartialObjectMetadata' | 'PartialObjectMetadataList') =>
  `application/json;as=${kind};g=meta.k8s.io;v=v1,application/json`;

/** Pods that a Job could not have, told by events: those have no labels. */
const FAILED_CREATE = 'reason=FailedCreate,involvedObject.kind=Job';

/** What of the cluster a validator looks at: all that has its label among the miners, and the system's services. */
export function kindsOf(
  config: PooledKubeConfig,
  { instance, namespace }: Pick<ClusterProfile, 'instance' | 'namespace'>,
  systemNamespace: string,
) {
  const core = config.makeApiClient(CoreV1Api);
  const batch = config.makeApiClient(BatchV1Api);
  const labelSelector = instanceSelector(instance);
  const ours = { namespace, labelSelector };
  const bare = setHeaderOptions('Accept', METADATA_FORM('PartialObjectMetadataList'));
  const kind = <T extends Watched>(
    path: string,
    query: Readonly<Record<string, string>>,
    page: Kind<T>['page'],
    accept = JSON_FORM,
  ): Kind<T> => ({ path, query, accept, page });
  return {
    configMaps: kind<V1ConfigMap>(
      `/api/v1/namespaces/${namespace}/configmaps`,
      { labelSelector },
      (page) => core.listNamespacedConfigMap({ ...ours, ...page }, bare),
      METADATA_FORM('PartialObjectMetadata'),
    ),
    jobs: kind<V1Job>(`/apis/batch/v1/namespaces/${namespace}/jobs`, { labelSelector }, (page) =>
      batch.listNamespacedJob({ ...ours, ...page }),
    ),
    services: kind<V1Service>(
      `/api/v1/namespaces/${namespace}/services`,
      { labelSelector },
      (page) => core.listNamespacedService({ ...ours, ...page }),
    ),
    pods: kind<V1Pod>(`/api/v1/namespaces/${namespace}/pods`, { labelSelector }, (page) =>
      core.listNamespacedPod({ ...ours, ...page }),
    ),
    events: kind<CoreV1Event>(
      `/api/v1/namespaces/${namespace}/events`,
      { fieldSelector: FAILED_CREATE },
      (page) => core.listNamespacedEvent({ namespace, fieldSelector: FAILED_CREATE, ...page }),
    ),
    system: kind<V1Service>(`/api/v1/namespaces/${systemNamespace}/services`, {}, (page) =>
      core.listNamespacedService({ namespace: systemNamespace, ...page }),
    ),
  };
}

/** Objects of one answer: a pod is some kilobytes, a page some megabytes at most. */
const PAGE_OBJECTS = 500;

/** All objects of a kind, page by page, as they were at one version. Throws what the client throws. */
export async function listWhole<T extends Watched>({
  page,
}: Pick<Kind<T>, 'page'>): Promise<Readonly<{ items: readonly T[]; version: string }>> {
  const items: T[] = [];
  let next: string | undefined;
  do {
    const found = await page({
      limit: PAGE_OBJECTS,
      ...(next === undefined ? {} : { _continue: next }),
    });
    items.push(...found.items);
    next = found.metadata?._continue === '' ? undefined : found.metadata?._continue;
    if (next === undefined) return { items, version: found.metadata?.resourceVersion ?? '' };
  } while (items.length < MAX_OBJECTS);
  throw new AppError('input.invalid', {
    field: 'objects',
    value: items.length,
    expected: `fewer than ${MAX_OBJECTS} of a kind`,
  });
}

import { Refusal, type Stored, textOf, treeOf } from './objects.ts';
import type { Store } from './store.ts';

/** What becomes of a Job's pod. */
export type Fate =
  | Readonly<{ kind: 'ready'; node?: string }>
  | Readonly<{ kind: 'running' }>
  /** It was ready, and its node is not heard of any more. */
  | Readonly<{ kind: 'lost-node' }>
  /** The kubelet took it down, for what its words say. */
  | Readonly<{ kind: 'evicted'; message: string }>
  | Readonly<{ kind: 'waiting'; reason: string }>
  | Readonly<{ kind: 'unschedulable' }>
  | Readonly<{ kind: 'forbidden'; message: string }>
  | Readonly<{ kind: 'ended'; container: 'unpack' | 'netgate' | 'miner'; exitCode: number }>;
export type FateOf = (labels: Readonly<Record<string, string>>) => Fate;

/**
 * One step of the Job controller, the kubelet and the TTL controller; false when there is nothing left for them to do
 * at this time.
 */
export function stepJobs(store: Store, now: number, fateOf: FateOf): boolean {
  return store.all('jobs').some((job) => stepJob(store, job, now, fateOf));
}

function stepJob(store: Store, job: Stored, now: number, fateOf: FateOf): boolean {
  const { namespace, name, uid, deletionTimestamp } = job.metadata;
  const status = treeOf(job.status);
  const patch = (changed: object) => {
    store.patch('jobs', namespace, name, { status: { ...changed } });
    return true;
  };
  if (deletionTimestamp !== undefined) return false;
  if (status['endedAt'] !== undefined) {
    const keep = Number(job.spec?.['ttlSecondsAfterFinished']) * 1_000;
    if (now < Date.parse(textOf(status['endedAt'])) + keep) return false;
    store.remove('jobs', namespace, name, { propagationPolicy: 'Foreground' });
    return true;
  }
  if (status['startTime'] === undefined) return patch({ startTime: store.time() });
  const end = (type: 'Complete' | 'Failed', reason: string) =>
    patch({
      endedAt: store.time(),
      conditions: [{ type, status: 'True', reason, message: reason }],
    });
  const pod = store
    .all('pods', namespace)
    .find(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid));
  const deadline = Number(job.spec?.['activeDeadlineSeconds']) * 1_000;
  if (now >= Date.parse(textOf(status['startTime'])) + deadline) {
    if (pod !== undefined) store.drop('pods', pod);
    return end('Failed', 'DeadlineExceeded');
  }
  if (job.spec?.['parallelism'] === 0) return false;
  const fate = fateOf(job.metadata.labels ?? {});
  if (pod === undefined) return makePod(store, job, fate);
  const wanted = podStatus(fate, store.time());
  if (treeOf(pod.status)['fate'] !== wanted['fate']) {
    store.patch('pods', namespace, pod.metadata.name, { status: wanted });
    return true;
  }
  if (fate.kind === 'evicted') return end('Failed', 'BackoffLimitExceeded');
  if (fate.kind !== 'ended') return false;
  return fate.exitCode === 0 && fate.container === 'miner'
    ? end('Complete', 'CompletionsReached')
    : end('Failed', 'BackoffLimitExceeded');
}

function makePod(store: Store, job: Stored, fate: Fate): boolean {
  const { namespace, name, uid } = job.metadata;
  const template = treeOf(job.spec?.['template']);
  try {
    if (fate.kind === 'forbidden') throw new Refusal(403, 'Forbidden', fate.message);
    store.create('pods', namespace, {
      ...template,
      spec: {
        ...treeOf(template['spec']),
        nodeName: fate.kind === 'ready' ? (fate.node ?? 'node-1') : 'node-1',
      },
      metadata: {
        ...treeOf(template['metadata']),
        name: `${name}-${uid.slice(-5)}`,
        ownerReferences: [{ kind: 'Job', name, uid, blockOwnerDeletion: true }],
      },
    });
    return true;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const event = `${name}.failed`;
    if (store.all('events', namespace).some(({ metadata }) => metadata.name === event))
      return false;
    store.create('events', namespace, {
      metadata: { name: event },
      reason: 'FailedCreate',
      lastTimestamp: store.time(),
      involvedObject: { kind: 'Job', namespace, name, uid },
      message: `Error creating: ${error.message}`,
    });
    return true;
  }
}

function podStatus(fate: Fate, time: string) {
  const ready = (status: 'True' | 'False') => [{ type: 'Ready', status, lastTransitionTime: time }];
  const container = (name: string, state: object, isReady = false) => [
    { name, state, ready: isReady },
  ];
  const label = JSON.stringify(fate);
  switch (fate.kind) {
    case 'ready':
    case 'running':
    case 'lost-node':
      return {
        fate: label,
        conditions: ready(fate.kind === 'ready' ? 'True' : 'False'),
        containerStatuses: container(
          'miner',
          { running: { startedAt: time } },
          fate.kind !== 'running',
        ),
      };
    case 'evicted':
      return { fate: label, phase: 'Failed', reason: 'Evicted', message: fate.message };
    case 'waiting':
      return {
        fate: label,
        conditions: ready('False'),
        containerStatuses: container('miner', { waiting: { reason: fate.reason } }),
      };
    case 'unschedulable':
      return {
        fate: label,
        conditions: [
          { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes' },
        ],
      };
    case 'ended': {
      const ended = container(fate.container, {
        terminated: { exitCode: fate.exitCode, reason: 'Error' },
      });
      return fate.container === 'miner'
        ? { fate: label, containerStatuses: ended }
        : { fate: label, initContainerStatuses: ended };
    }
    case 'forbidden':
      return { fate: label };
  }
}

import type { V1ContainerStatus, V1Job, V1Pod } from '@kubernetes/client-node';
import { detailOf } from '../../events/scalars.ts';
import type { RuntimeFailure, RuntimeWanted } from '../cluster.ts';
import { attemptName } from '../objects/names.ts';
import { CONTAINER } from '../objects/pod.ts';
import { type ClusterProfile, MINER_PORT } from '../objects/profile.ts';
import { POD_EXIT } from '../pod/exit-codes.ts';
import { type Actual, endOf } from './actual.ts';

/** How far an attempt is, by what the cluster says; `up` is to be asked by ourselves. */
export type Observed =
  | Readonly<{ kind: 'starting'; holdUp: RuntimeFailure | null }>
  | Readonly<{ kind: 'up'; origin: string }>
  | Readonly<{ kind: 'failed'; failure: RuntimeFailure }>;

type ObserveWith = Readonly<{ profile: ClusterProfile; startMs: number; now: number }>;

/** Reads how one attempt goes. */
export function observeAttempt(
  wanted: RuntimeWanted,
  actual: Actual,
  { profile, startMs, now }: ObserveWith,
): Observed {
  const name = attemptName(wanted, profile);
  const job = actual.jobs.find(({ metadata }) => metadata?.name === name);
  if (job === undefined) return { kind: 'starting', holdUp: null };
  const pod = newestPodOf(job, actual.pods);
  const failure = failureOf(job, pod);
  if (failure !== null) return { kind: 'failed', failure };
  const service = actual.services.find(({ metadata }) => metadata?.name === name);
  const address = service?.spec?.clusterIP;
  const ready = pod?.status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready?.status === 'True' && address !== undefined)
    return { kind: 'up', origin: `http://${hostOf(address)}:${MINER_PORT}` };
  const runs = running(pod);
  const since = Math.max(
    timeOf(job.metadata?.creationTimestamp),
    timeOf(runs),
    // It was ready once, and is not any more.
    runs === undefined ? 0 : timeOf(ready?.lastTransitionTime),
  );
  const holdUp = runs === undefined ? holdUpOf(job, pod, actual) : null;
  if (now - since < startMs || holdUp?.reason === 'quota') return { kind: 'starting', holdUp };
  return { kind: 'failed', failure: holdUp ?? tooLate(runs !== undefined, startMs) };
}

function newestPodOf(job: V1Job, pods: readonly V1Pod[]): V1Pod | undefined {
  return pods
    .filter(({ metadata }) =>
      metadata?.ownerReferences?.some(({ uid }) => uid === job.metadata?.uid),
    )
    .toSorted(
      (a, b) => timeOf(b.metadata?.creationTimestamp) - timeOf(a.metadata?.creationTimestamp),
    )[0];
}

/** Why an attempt is over, told by its Job and, where one is left, by its pod. */
function failureOf(job: V1Job, pod: V1Pod | undefined): RuntimeFailure | null {
  const end = endOf(job);
  if (end === null) return null;
  if (end.type === 'Complete') return because('exited', false, 0, 'it ended by itself');
  if (end.reason === 'DeadlineExceeded')
    return because('deadline', true, null, 'its lease was not renewed in time');
  return podFailure(pod) ?? because('unavailable', true, null, `${end.reason} ${end.message}`);
}

function podFailure(pod: V1Pod | undefined): RuntimeFailure | null {
  const exitOf = (name: string): number => terminated(pod, name)?.exitCode ?? 0;
  const unpack = exitOf(CONTAINER.unpack);
  if (unpack !== 0) {
    const ours = unpack !== POD_EXIT.notAnArchive;
    return because('unpack', ours, unpack, ours ? 'its bytes did not arrive whole' : 'no archive');
  }
  const netgate = exitOf(CONTAINER.netgate);
  if (netgate !== 0) return because('unavailable', true, netgate, 'its network was not closed');
  // The kubelet's own word, which a submission cannot write: it took more disk than it may.
  if (pod?.status?.reason === 'Evicted' && /exceeds/.test(pod.status.message ?? ''))
    return because('crashed', false, null, pod.status.message ?? '');
  const miner = terminated(pod, CONTAINER.miner);
  if (miner === undefined || pod?.status?.reason === 'Evicted') return null;
  return because('crashed', false, miner.exitCode, miner.reason ?? '');
}

const IMAGE_FAULTS = /^(ErrImage|ImagePull|InvalidImage|RegistryUnavailable)/;

/** What keeps a pod from running its submission, while it may still pass. */
function holdUpOf(job: V1Job, pod: V1Pod | undefined, actual: Actual): RuntimeFailure | null {
  if (pod === undefined) {
    const refusal = actual.refusals.get(job.metadata?.uid ?? '');
    if (refusal === undefined) return null;
    return because(/exceeded quota/.test(refusal) ? 'quota' : 'rejected', true, null, refusal);
  }
  for (const { state } of statusesOf(pod)) {
    const { reason = '', message = '' } = state?.waiting ?? {};
    if (IMAGE_FAULTS.test(reason)) return because('image', true, null, `${reason} ${message}`);
    if (/^Create.*Error$/.test(reason))
      return because('unavailable', true, null, `${reason} ${message}`);
  }
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  return scheduled?.status === 'False'
    ? because('unavailable', true, null, `${scheduled.reason ?? ''} ${scheduled.message ?? ''}`)
    : null;
}

function tooLate(runs: boolean, startMs: number): RuntimeFailure {
  return runs
    ? because('not-ready', false, null, `no answer on its health path within ${startMs} ms`)
    : because('unavailable', true, null, `no pod that runs within ${startMs} ms`);
}

function running(pod: V1Pod | undefined): Date | undefined {
  const miner = pod?.status?.containerStatuses?.find(({ name }) => name === CONTAINER.miner);
  return miner?.state?.running?.startedAt;
}

function terminated(pod: V1Pod | undefined, container: string) {
  return statusesOf(pod).find(({ name }) => name === container)?.state?.terminated;
}

function statusesOf(pod: V1Pod | undefined): readonly V1ContainerStatus[] {
  return [...(pod?.status?.initContainerStatuses ?? []), ...(pod?.status?.containerStatuses ?? [])];
}

/** Milliseconds of the epoch; the long past where there is none. */
function timeOf(time: Date | undefined): number {
  return time === undefined ? 0 : new Date(time).getTime();
}

function hostOf(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

function because(
  reason: RuntimeFailure['reason'],
  ours: boolean,
  exitCode: number | null,
  detail: string,
): RuntimeFailure {
  return { reason, ours, exitCode, detail: detailOf(detail.trim()) };
}

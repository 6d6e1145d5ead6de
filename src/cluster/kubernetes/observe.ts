import type { V1ContainerStatus, V1Job, V1Pod } from '@kubernetes/client-node';
import type { RuntimeWanted } from '../cluster.ts';
import { attemptName } from '../objects/names.ts';
import { CONTAINER } from '../objects/pod.ts';
import { type ClusterProfile, MINER_PORT } from '../objects/profile.ts';
import { POD_EXIT } from '../pod/exit-codes.ts';
import { type Actual, endOf } from './actual.ts';
import type { Trouble } from './blame.ts';

/** How far an attempt is, by what the cluster says; `up` is to be asked by ourselves. */
export type Observed =
  | Readonly<{ kind: 'starting'; holdUp: Trouble | null }>
  | Readonly<{ kind: 'up'; origin: string; node: string; job: string }>
  | Readonly<{ kind: 'failed'; trouble: Trouble }>;

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
  const end = endTrouble(job, pod);
  if (end !== null) return { kind: 'failed', trouble: end };
  const service = actual.services.find(({ metadata }) => metadata?.name === name);
  const address = service?.spec?.clusterIP;
  const ready = pod?.status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready?.status === 'True' && address !== undefined)
    return {
      kind: 'up',
      origin: `http://${hostOf(address)}:${MINER_PORT}`,
      node: pod?.spec?.nodeName ?? '',
      job: job.metadata?.uid ?? '',
    };
  const runs = running(pod);
  const since = Math.max(
    timeOf(job.metadata?.creationTimestamp),
    timeOf(runs),
    // It was ready once, and is not any more.
    runs === undefined ? 0 : timeOf(ready?.lastTransitionTime),
  );
  const holdUp = runs === undefined ? holdUpOf(job, pod, actual) : silentNode(pod);
  // Room is waited for as long as it takes: another attempt would find none either.
  if (now - since < startMs || holdUp?.kind === 'no-room') return { kind: 'starting', holdUp };
  return { kind: 'failed', trouble: holdUp ?? tooLate(runs !== undefined, startMs) };
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
function endTrouble(job: V1Job, pod: V1Pod | undefined): Trouble | null {
  const end = endOf(job);
  if (end === null) return null;
  if (end.type === 'Complete') return trouble('ended', 'it ended by itself', 0);
  if (end.reason === 'DeadlineExceeded')
    return trouble('lease-ran-out', 'its lease was not renewed in time');
  return podTrouble(pod) ?? trouble('taken-away', `${end.reason} ${end.message}`);
}

function podTrouble(pod: V1Pod | undefined): Trouble | null {
  const { reason, message = '' } = pod?.status ?? {};
  // The kubelet's own word, which a submission cannot write, whichever container it ended.
  if (reason === 'Evicted')
    return message.includes('exceeds') ? trouble('too-much-disk', message) : null;
  const exitOf = (name: string): number => terminated(pod, name)?.exitCode ?? 0;
  const unpack = exitOf(CONTAINER.unpack);
  if (unpack === POD_EXIT.notAnArchive) return trouble('not-an-archive', 'no archive', unpack);
  if (unpack !== 0) return trouble('bytes-differ', 'its bytes did not arrive whole', unpack);
  const netgate = exitOf(CONTAINER.netgate);
  if (netgate !== 0) return trouble('network-open', 'its network was not closed', netgate);
  const miner = terminated(pod, CONTAINER.miner);
  return miner === undefined ? null : trouble('crashed', miner.reason ?? '', miner.exitCode);
}

const IMAGE_FAULTS = /^(ErrImage|ImagePull|InvalidImage|RegistryUnavailable)/;

/** What keeps a pod from running its submission, while it may still pass. */
function holdUpOf(job: V1Job, pod: V1Pod | undefined, actual: Actual): Trouble | null {
  if (pod === undefined) {
    const refusal = actual.refusals.get(job.metadata?.uid ?? '');
    if (refusal === undefined) return null;
    return trouble(refusal.includes('exceeded quota') ? 'no-room' : 'not-admitted', refusal);
  }
  for (const { state } of statusesOf(pod)) {
    const { reason = '', message = '' } = state?.waiting ?? {};
    if (IMAGE_FAULTS.test(reason)) return trouble('image', `${reason} ${message}`);
    if (/^Create.*Error$/.test(reason)) return trouble('not-created', `${reason} ${message}`);
  }
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  return scheduled?.status === 'False'
    ? trouble('no-room', `${scheduled.reason ?? ''} ${scheduled.message ?? ''}`)
    : null;
}

/** Of a node that is not heard of, the cluster calls each pod unready, but its containers stay what they last were. */
function silentNode(pod: V1Pod | undefined): Trouble | null {
  const miner = pod?.status?.containerStatuses?.find(({ name }) => name === CONTAINER.miner);
  return miner?.ready === true ? trouble('node-silent', 'its node is not heard of') : null;
}

function tooLate(runs: boolean, startMs: number): Trouble {
  return runs
    ? trouble('never-ready', `no answer on its health path within ${startMs} ms`)
    : trouble('not-started', `no pod that runs within ${startMs} ms`);
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

function trouble(kind: Trouble['kind'], detail: string, exitCode: number | null = null): Trouble {
  return { kind, exitCode, detail };
}

import type {
  CoreV1Event,
  V1ConfigMap,
  V1Job,
  V1ObjectMeta,
  V1Pod,
  V1Service,
} from '@kubernetes/client-node';
import type { Manifest } from '../../evaluation/manifest.ts';
import type { InRun } from '../../events/define-event.ts';
import type { RuntimeWanted } from '../cluster.ts';
import { LABEL, runLabel } from '../objects/names.ts';
import { CANARY, SERVICE_PORTS, type ServiceAddresses } from '../objects/profile.ts';

/** A submission that is wanted, with its manifest read. */
export type Desired = Readonly<{ wanted: RuntimeWanted; manifest: Manifest }>;

/** All that there is of one validator in the namespace of miners, as it was listed at one moment. */
export type Actual = Readonly<{
  /** Chunks; their contents are not listed. */
  configMaps: readonly V1ObjectMeta[];
  /** Anchors and attempts. */
  jobs: readonly V1Job[];
  services: readonly V1Service[];
  pods: readonly V1Pod[];
  /** Why the cluster made no pod of a Job, by the Job's UID: the newest such event's text. */
  refusals: ReadonlyMap<string, string>;
}>;

/** Puts together what was listed or heard of, each kind by itself. */
export function actualOf(
  found: Readonly<{
    configMaps: readonly V1ConfigMap[];
    jobs: readonly V1Job[];
    services: readonly V1Service[];
    pods: readonly V1Pod[];
    events: readonly CoreV1Event[];
  }>,
): Actual {
  const { configMaps, jobs, services, pods, events } = found;
  return {
    configMaps: configMaps.map(({ metadata }) => metadata ?? {}),
    jobs,
    services,
    pods,
    refusals: refusalsOf(events),
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

/** The addresses of what miners are told, and of the canary; null while one of them is not there. */
export function addressesOf(services: readonly V1Service[]): ServiceAddresses | null {
  const of = (name: string): string | undefined =>
    services.find(({ metadata }) => metadata?.name === name)?.spec?.clusterIP;
  const names = [...Object.keys(SERVICE_PORTS), CANARY.name];
  const found = Object.fromEntries(names.map((name) => [name, of(name)]));
  // safe: exactly the names of the type, each checked to be an address
  return Object.values(found).every((address) => address !== undefined && address !== 'None')
    ? (found as ServiceAddresses)
    : null;
}

/** Which attempt an object belongs to; null for what belongs to a whole run. */
export function attemptOf(
  metadata: V1ObjectMeta | undefined,
): Readonly<{ deployment: string; attempt: number }> | null {
  const deployment = metadata?.labels?.[LABEL.deployment];
  const attempt = Number(metadata?.labels?.[LABEL.attempt]);
  return deployment === undefined || !Number.isInteger(attempt) ? null : { deployment, attempt };
}

/** Whether an object belongs to one of these runs. */
export function isOf(runs: readonly InRun[], metadata: V1ObjectMeta | undefined): boolean {
  const label = metadata?.labels?.[LABEL.run];
  return runs.some((run) => runLabel(run) === label);
}

/** Whether an object is on its way out already. */
export function isEnding(metadata: V1ObjectMeta | undefined): boolean {
  return metadata?.deletionTimestamp !== undefined;
}

/** The Job's end, or null while it goes on. */
export function endOf(
  job: V1Job,
): Readonly<{ type: 'Complete' | 'Failed'; reason: string; message: string }> | null {
  const end = job.status?.conditions?.find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
  if (end === undefined) return null;
  const { reason = '', message = '' } = end;
  return { type: end.type === 'Complete' ? 'Complete' : 'Failed', reason, message };
}

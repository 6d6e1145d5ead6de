import type { V1Job, V1ObjectMeta } from '@kubernetes/client-node';
import { buildJob } from '../objects/job.ts';
import { anchorName, attemptName, chunkName } from '../objects/names.ts';
import type { ClusterProfile, ServiceAddresses } from '../objects/profile.ts';
import { buildService } from '../objects/service.ts';
import { type Actual, type Desired, endOf, isEnding } from './actual.ts';
import { covers } from './covers.ts';

/** One thing to do about the cluster. What was decided on is named by its UID, so nothing else can be met by it. */
export type Action =
  | Readonly<{ kind: 'make-anchor'; desired: Desired }>
  | Readonly<{ kind: 'begin'; desired: Desired; anchorUid: string }>
  | Readonly<{ kind: 'mend-job'; desired: Desired; anchorUid: string }>
  | Readonly<{ kind: 'make-service'; desired: Desired; jobUid: string }>
  | Readonly<{ kind: 'renew'; desired: Desired; seconds: number }>
  | Readonly<{ kind: 'remove'; resource: Resource; name: string; uid: string }>;
export type Resource = 'configmaps' | 'jobs' | 'services';

export type DecideWith = Readonly<{
  profile: ClusterProfile;
  services: ServiceAddresses;
  /** Milliseconds of the epoch. */
  now: number;
}>;

/**
 * What to do now so that what is there becomes what is desired. Some of it can only be decided when the rest is done (a
 * Job names its anchor's UID): it is asked again until there is nothing to do, which is then the answer for good.
 */
export function decideReconcile(
  desired: readonly Desired[],
  actual: Actual,
  by: DecideWith,
): readonly Action[] {
  const steps = desired.flatMap((each) => stepOf(each, actual, by) ?? []);
  // Several submissions of a run have one anchor.
  const anchorOf = (step: Action): string | null =>
    step.kind === 'make-anchor' ? anchorName(step.desired.wanted, by.profile) : null;
  const once = steps.filter(
    (step, index) =>
      anchorOf(step) === null ||
      steps.findIndex((other) => anchorOf(other) === anchorOf(step)) === index,
  );
  return [...once, ...decideRemovals(desired, actual, by.profile)];
}

/** The next step of one submission: each one needs what the one before it made. */
function stepOf(desired: Desired, actual: Actual, by: DecideWith): Action | null {
  const { profile } = by;
  const anchor = actual.configMaps.find(({ name }) => name === anchorName(desired.wanted, profile));
  if (anchor === undefined) return { kind: 'make-anchor', desired };
  // What is on its way out is waited for, and then made anew.
  if (isEnding(anchor)) return null;
  const anchorUid = anchor.uid ?? '';
  const name = attemptName(desired.wanted, profile);
  const job = actual.jobs.find(({ metadata }) => metadata?.name === name);
  if (job === undefined) return { kind: 'begin', desired, anchorUid };
  if (isEnding(job.metadata) || endOf(job) !== null) return null;
  return (
    mendJob(desired, job, anchorUid, by) ??
    makeService(desired, job, actual, profile) ??
    renew(desired, job, by)
  );
}

function mendJob(
  desired: Desired,
  job: V1Job,
  anchorUid: string,
  { profile, services }: DecideWith,
): Action | null {
  const built = buildJob({ ...desired, profile, services, anchorUid });
  // A template is immutable: where ours is another one by now, the Job is replaced.
  if (!covers(job.spec?.template, built.spec?.template)) return removeOf('jobs', job.metadata);
  const { activeDeadlineSeconds: _, ...spec } = built.spec ?? {};
  return covers(job.metadata, built.metadata) && covers(job.spec, spec)
    ? null
    : { kind: 'mend-job', desired, anchorUid };
}

function makeService(
  desired: Desired,
  job: V1Job,
  actual: Actual,
  profile: ClusterProfile,
): Action | null {
  const jobUid = job.metadata?.uid ?? '';
  const built = buildService(desired.wanted, jobUid, profile);
  const service = actual.services.find(({ metadata }) => metadata?.name === built.metadata?.name);
  const settled =
    service !== undefined &&
    (isEnding(service.metadata) ||
      (covers(service.metadata, built.metadata) && covers(service.spec, built.spec)));
  if (settled) return null;
  return { kind: 'make-service', desired, jobUid };
}

/** The deadline counts from the Job's start: a third of the lease after the last renewal it is moved on. */
function renew(desired: Desired, job: V1Job, { profile, now }: DecideWith): Action | null {
  const start = job.status?.startTime;
  if (start === undefined) return null;
  const elapsed = Math.max(0, Math.ceil((now - new Date(start).getTime()) / 1_000));
  const left = (job.spec?.activeDeadlineSeconds ?? 0) - elapsed;
  return left > (profile.leaseSeconds * 2) / 3
    ? null
    : { kind: 'renew', desired, seconds: elapsed + profile.leaseSeconds };
}

/** What nobody desires: an anchor with all that it owns by one removal, else each by itself. */
export function decideRemovals(
  desired: readonly Desired[],
  actual: Actual,
  profile: ClusterProfile,
): readonly Extract<Action, { kind: 'remove' }>[] {
  const anchors = new Set(desired.map(({ wanted }) => anchorName(wanted, profile)));
  const attempts = new Set(desired.map(({ wanted }) => attemptName(wanted, profile)));
  const chunks = new Set(desired.map(({ wanted }) => archiveOf(chunkName(wanted, 0, profile))));
  const owners = new Map(
    [...actual.configMaps, ...actual.jobs.map(({ metadata }) => metadata)].map((metadata) => [
      metadata?.uid,
      metadata,
    ]),
  );
  const unwanted = (metadata: V1ObjectMeta | undefined): boolean => {
    const name = metadata?.name ?? '';
    return !anchors.has(name) && !attempts.has(name) && !chunks.has(archiveOf(name));
  };
  const goesWithOwner = (metadata: V1ObjectMeta | undefined): boolean =>
    (metadata?.ownerReferences ?? []).some(({ uid }) => {
      const owner = owners.get(uid);
      return owner !== undefined && (isEnding(owner) || unwanted(owner));
    });
  const remove = (resource: Resource, all: readonly (V1ObjectMeta | undefined)[]) =>
    all
      .filter((each) => unwanted(each) && !isEnding(each) && !goesWithOwner(each))
      .map((each) => removeOf(resource, each));
  return [
    ...remove('configmaps', actual.configMaps),
    ...remove(
      'jobs',
      actual.jobs.map(({ metadata }) => metadata),
    ),
    ...remove(
      'services',
      actual.services.map(({ metadata }) => metadata),
    ),
  ];
}

/** A chunk's name without its number: one archive's chunks come and go together. */
function archiveOf(name: string): string {
  return name.replace(/-\d\d$/, '');
}

function removeOf(resource: Resource, metadata: V1ObjectMeta | undefined) {
  return {
    kind: 'remove',
    resource,
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
  } as const;
}

import type { V1Job, V1ObjectMeta } from '@kubernetes/client-node';
import type { InRun } from '../../events/define-event.ts';
import { anchorLeaseSeconds } from '../objects/anchor.ts';
import { buildJob } from '../objects/job.ts';
import { anchorName, attemptName, chunkName } from '../objects/names.ts';
import type { ClusterProfile, ServiceAddresses } from '../objects/profile.ts';
import { buildService } from '../objects/service.ts';
import { type Actual, attemptOf, type Desired, endOf, isEnding, isOf } from './actual.ts';
import { covers } from './covers.ts';

/** One thing to do about the cluster. What was decided on is named by its UID, so nothing else can be met by it. */
export type Action =
  | Readonly<{ kind: 'make-anchor'; desired: Desired }>
  | Readonly<{ kind: 'begin'; desired: Desired; anchorUid: string }>
  | Readonly<{ kind: 'mend-job'; desired: Desired; anchorUid: string }>
  | Readonly<{ kind: 'make-service'; desired: Desired; jobUid: string }>
  /** `desired` is null for what is spared. */
  | Readonly<{ kind: 'renew'; desired: Desired | null; job: string; seconds: number }>
  | Readonly<{ kind: 'remove'; resource: Resource; name: string; uid: string }>;
export type Resource = 'configmaps' | 'jobs' | 'services';

export type DecideWith = Readonly<{
  profile: ClusterProfile;
  services: ServiceAddresses;
  /** Runs whose members are not known: what of them runs is kept as it is. */
  spared: readonly InRun[];
  /** Milliseconds of the epoch. */
  now: number;
  /** Whether nothing may be begun: then what runs is kept as it is, and nothing of it is replaced. */
  held: boolean;
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
  const steps = desired.flatMap((each) => [
    ...renewAnchor(each, actual, by),
    ...(stepOf(each, actual, by) ?? []),
  ]);
  // Several submissions of a run have one anchor.
  const anchorOf = (step: Action): string | null => {
    if (step.kind === 'make-anchor') return anchorName(step.desired.wanted, by.profile);
    return step.kind === 'renew' ? step.job : step.kind === 'remove' ? step.uid : null;
  };
  const once = steps.filter(
    (step, index) =>
      anchorOf(step) === null ||
      steps.findIndex((other) => other.kind === step.kind && anchorOf(other) === anchorOf(step)) ===
        index,
  );
  return [...once, ...renewSpared(actual, by), ...decideRemovals(desired, actual, by)];
}

function renewAnchor({ wanted, manifest }: Desired, actual: Actual, by: DecideWith): Action[] {
  const anchor = jobNamed(anchorName(wanted, by.profile), actual);
  if (anchor === undefined || isEnding(anchor.metadata) || endOf(anchor) !== null) return [];
  return renew({ wanted, manifest }, anchor, anchorLeaseSeconds(by.profile), by);
}

function renewSpared(actual: Actual, by: DecideWith): readonly Action[] {
  return actual.jobs
    .filter(
      (job) => isOf(by.spared, job.metadata) && !isEnding(job.metadata) && endOf(job) === null,
    )
    .flatMap((job) => {
      const isAnchor = attemptOf(job.metadata) === null;
      const { leaseSeconds } = by.profile;
      return renew(null, job, isAnchor ? anchorLeaseSeconds(by.profile) : leaseSeconds, by);
    });
}

function jobNamed(name: string, { jobs }: Actual): V1Job | undefined {
  return jobs.find(({ metadata }) => metadata?.name === name);
}

/** The next step of one submission: each one needs what the one before it made. */
function stepOf(desired: Desired, actual: Actual, by: DecideWith): readonly Action[] | null {
  const { profile } = by;
  const anchor = jobNamed(anchorName(desired.wanted, profile), actual);
  if (anchor === undefined) return by.held ? null : [{ kind: 'make-anchor', desired }];
  // What is on its way out is waited for, and then made anew.
  if (isEnding(anchor.metadata)) return null;
  // Nobody renewed it: all that it owns has ended before it.
  if (endOf(anchor) !== null) return [removeOf('jobs', anchor.metadata)];
  const anchorUid = anchor.metadata?.uid ?? '';
  const job = jobNamed(attemptName(desired.wanted, profile), actual);
  if (job === undefined) return by.held ? null : [{ kind: 'begin', desired, anchorUid }];
  if (isEnding(job.metadata) || endOf(job) !== null) return null;
  const step = mendJob(desired, job, anchorUid, by) ?? makeService(desired, job, actual, profile);
  return step === null ? renew(desired, job, profile.leaseSeconds, by) : [step];
}

function mendJob(
  desired: Desired,
  job: V1Job,
  anchorUid: string,
  { profile, services, held }: DecideWith,
): Action | null {
  if (held) return null;
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
function renew(
  desired: Desired | null,
  job: V1Job,
  leaseSeconds: number,
  { now }: Pick<DecideWith, 'now'>,
): Action[] {
  const start = job.status?.startTime;
  if (start === undefined) return [];
  const elapsed = Math.max(0, Math.ceil((now - new Date(start).getTime()) / 1_000));
  const left = (job.spec?.activeDeadlineSeconds ?? 0) - elapsed;
  if (left > (leaseSeconds * 2) / 3) return [];
  return [
    { kind: 'renew', desired, job: job.metadata?.name ?? '', seconds: elapsed + leaseSeconds },
  ];
}

/** What nobody desires or spares: an anchor with all that it owns by one removal, else each by itself. */
export function decideRemovals(
  desired: readonly Desired[],
  actual: Actual,
  { profile, spared }: Pick<DecideWith, 'profile' | 'spared'>,
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
    const wanted = anchors.has(name) || attempts.has(name) || chunks.has(archiveOf(name));
    return !wanted && !isOf(spared, metadata);
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

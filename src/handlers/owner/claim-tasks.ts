import { derivedUuid } from '../../evaluation/derived-uuid.ts';
import type { DomainEvent } from '../../events/catalogue.ts';
import { type Lease, leasesOf } from '../../projectors/owner-evaluations.ts';
import type { OwnerRun } from '../../projectors/owner-registry.ts';
import type { Queries } from '../../projectors/projector.ts';
import type { Recorder } from '../recorder.ts';

/** A task that a validator has to itself until it expires. */
type LeasedTask = Readonly<{
  evaluation: string;
  task: string;
  /** Its place among the tasks of the run, from 0. */
  index: number;
  attempt: number;
  expires: string;
}>;

export type Claim = Readonly<{
  leased: readonly LeasedTask[];
  /** Leases whose time is over and that end with this claim. */
  expired: readonly Lease[];
  /** Tasks of which this validator has sent no result yet. */
  remaining: number;
}>;

/** How often a task can be leased: a validator that never sends a result would go on for ever. */
const MAX_ATTEMPTS = 1_000;

/**
 * What a validator gets of the tasks that count: the first ones, in their order, that it neither has sent a result of
 * nor holds. A lease of its own whose time is over ends and is given again. Every validator gets every task.
 */
export function decideClaim(
  run: Pick<OwnerRun, 'family' | 'run'>,
  validator: string,
  view: Readonly<{
    /** The tasks that count, in their order. */
    tasks: readonly string[];
    leases: readonly Lease[];
    batch: number;
    now: string;
    expires: string;
  }>,
): Claim {
  const { tasks, leases, now } = view;
  const byTask = new Map(leases.map((lease) => [lease.task, lease]));
  const isFree = (task: string): boolean => {
    const lease = byTask.get(task);
    if (lease === undefined) return true;
    if (lease.status === 'evaluated' || lease.attempt >= MAX_ATTEMPTS) return false;
    return lease.status !== 'held' || lease.expires <= now;
  };
  const leased = tasks
    .map((task, index) => ({ task, index }))
    .filter(({ task }) => isFree(task))
    .slice(0, view.batch)
    .map(({ task, index }) => ({
      evaluation: evaluationOf(run, task, validator),
      task,
      index,
      attempt: (byTask.get(task)?.attempt ?? 0) + 1,
      expires: view.expires,
    }));
  const expired = leased.flatMap(({ task }) => {
    const lease = byTask.get(task);
    return lease?.status === 'held' ? [lease] : [];
  });
  const done = leases.filter(({ status }) => status === 'evaluated').length;
  return { leased, expired, remaining: tasks.length - done };
}

/** The name of what one validator does with one task of a run. */
export function evaluationOf(
  { family, run }: Pick<OwnerRun, 'family' | 'run'>,
  task: string,
  validator: string,
): string {
  return derivedUuid(['eirel/evaluation/v1', family, run, task, validator]);
}

/** Leases tasks of a run to a validator. */
export async function claimTasks(
  run: OwnerRun,
  { validator, batch }: Readonly<{ validator: string; batch: number }>,
  deps: Readonly<{
    evaluations: Queries;
    record: Recorder;
    /** The tasks that count; none while that is not known. */
    countingTasks: (run: OwnerRun) => Promise<readonly string[]>;
    leaseMs: number;
    now: () => string;
  }>,
): Promise<Claim> {
  const { family, run: name } = run;
  const now = deps.now();
  const claim = decideClaim(run, validator, {
    tasks: await deps.countingTasks(run),
    leases: await leasesOf(deps.evaluations, { family, run: name, validator }),
    batch,
    now,
    expires: new Date(Date.parse(now) + deps.leaseMs).toISOString(),
  });
  const ended = claim.expired.map(
    ({ evaluation, attempt }): DomainEvent => ({
      type: 'lease.ended.v1',
      data: { family, run: name, evaluation, attempt, reason: 'expired' },
    }),
  );
  const leased = claim.leased.map(
    ({ evaluation, task, attempt, expires }): DomainEvent => ({
      type: 'task.leased.v1',
      data: { family, run: name, evaluation, task, validator, attempt, expires },
    }),
  );
  await deps.record([...ended, ...leased]);
  return claim;
}

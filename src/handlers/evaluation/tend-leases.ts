import { Reference } from '../../evaluation/reference.ts';
import { type ResultRow, taskResult } from '../../evaluation/task-result.ts';
import { detailOf } from '../../events/scalars.ts';
import { type Claim, claimsOf, pairOf, referencesOf } from '../../projectors/evaluation-queries.ts';
import type { Queries } from '../../projectors/projector.ts';
import type { BlobStore } from '../blobs.ts';
import type { Recorder } from '../recorder.ts';
import { endsTheLoop } from '../validator-loop.ts';
import { pairName } from './decide-evaluation.ts';
import { load } from './documents.ts';
import type { Leases } from './ports.ts';
import type { RunPlan } from './run-plan.ts';

/** A lease with less time left is given back rather than lost. */
const LEASE_MARGIN_MS = 30_000;

/** Between two tries at the owner: longer each time it does not answer, up to a minute. */
const BACKOFF_FIRST_MS = 2_000;
const BACKOFF_LAST_MS = 60_000;

export type LeaseDeps = Readonly<{
  leases: Leases;
  queries: Readonly<{ evaluation: Queries }>;
  blobs: Pick<BlobStore, 'get'>;
  record: Recorder;
  alone: <T>(act: () => Promise<T>) => Promise<T>;
  clock: () => number;
  /** Tasks that are held at once. */
  tasks: number;
}>;

/**
 * Holds the owner's leases of a run's tasks: takes new ones while there is room, submits what is scored, gives back in
 * time what is not. A lease decides only whom the owner takes a result from: an evaluation goes on without it, and its
 * result is submitted under the next one. Submitting twice changes nothing at the owner, so nothing is lost by a crash.
 * A lease over which something throws keeps no other from being tended; the first such error is thrown in the end.
 */
export function createLeaseKeeper(deps: LeaseDeps) {
  const submitted = new Set<string>();
  let failures = 0;
  let notBefore = 0;
  const answered = (kind: string): boolean => {
    if (kind !== 'unavailable') {
      failures = 0;
      return true;
    }
    notBefore =
      deps.clock() + Math.min(BACKOFF_LAST_MS, BACKOFF_FIRST_MS * 2 ** Math.min(failures, 16));
    failures += 1;
    return false;
  };
  return async (plan: RunPlan, settled: ReadonlySet<string>): Promise<void> => {
    if (deps.clock() < notBefore) return;
    const claims = await claimsOf(deps.queries.evaluation, plan.family, plan.run);
    const defects: unknown[] = [];
    for (const claim of claims.values()) {
      const { lease, returned } = claim;
      if (lease === null || returned || submitted.has(lease.evaluation)) continue;
      try {
        const tended = await tend(claim, lease, plan, settled, deps);
        if (tended === 'submitted') submitted.add(lease.evaluation);
        if (!answered(tended)) return;
      } catch (error) {
        if (endsTheLoop(error)) throw error;
        defects.push(error);
      }
    }
    answered(await claimMore(plan, settled, submitted, deps));
    if (defects.length > 0) throw defects[0];
  };
}

async function tend(
  claim: Claim,
  lease: NonNullable<Claim['lease']>,
  plan: RunPlan,
  settled: ReadonlySet<string>,
  deps: LeaseDeps,
): Promise<'submitted' | 'returned' | 'kept' | 'unavailable'> {
  const { family } = plan;
  if (isScored(claim.task, plan, settled)) {
    const body = await resultOf(claim.task, plan, deps);
    const result = await deps.leases.submit(family, lease.evaluation, body);
    if (result.kind === 'ok') return 'submitted';
    if (result.kind === 'unavailable') return 'unavailable';
    await recordReturned(claim, plan, result.detail, deps);
    return 'returned';
  }
  if (Date.parse(lease.expires) - deps.clock() > LEASE_MARGIN_MS) return 'kept';
  const reason = 'its time is nearly over, and it is not scored';
  const given = await deps.leases.giveBack(family, lease.evaluation, reason);
  // A lease that nobody took back in time ends by itself: the log says that it is not held any more either way.
  if (given.kind === 'unavailable' && Date.parse(lease.expires) > deps.clock())
    return 'unavailable';
  await recordReturned(claim, plan, reason, deps);
  return 'returned';
}

/** Whether every miner's pair of a task has its result; a task that nobody can be judged by has none to wait for. */
function isScored(
  task: string,
  { members, noOracle }: RunPlan,
  settled: ReadonlySet<string>,
): boolean {
  return noOracle.has(task) || members.every(({ miner }) => settled.has(pairName({ task, miner })));
}

async function recordReturned(
  { task, attempt }: Claim,
  { family, run }: RunPlan,
  reason: string,
  { alone, record }: LeaseDeps,
): Promise<void> {
  const data = { family, run, task, attempt, reason: detailOf(reason) };
  await alone(() => record([{ type: 'task.returned.v1', data }]));
}

/** Takes leases while fewer tasks than there is room for are held. */
async function claimMore(
  plan: RunPlan,
  settled: ReadonlySet<string>,
  submitted: ReadonlySet<string>,
  { leases, queries, alone, record, tasks }: LeaseDeps,
): Promise<'claimed' | 'unavailable'> {
  const { family, run } = plan;
  const claims = await claimsOf(queries.evaluation, family, run);
  const held = [...claims.values()].filter(
    ({ task, lease, returned }) =>
      lease !== null &&
      !returned &&
      !submitted.has(lease.evaluation) &&
      !isScored(task, plan, settled),
  );
  if (held.length >= tasks) return 'claimed';
  const taken = await leases.claim({ family, run }, tasks - held.length);
  if (taken.kind === 'unavailable') return 'unavailable';
  await alone(async () => {
    const now = await claimsOf(queries.evaluation, family, run);
    await record(
      taken.leases.flatMap(({ evaluation, task, expires }) => {
        const before = now.get(task);
        const same = before?.returned === false && before.lease?.evaluation === evaluation;
        if (!plan.tasks.has(task) || same) return [];
        const attempt = (before?.attempt ?? 0) + 1;
        return [
          {
            type: 'task.claimed.v1',
            data: { family, run, task, attempt, lease: { evaluation, expires } },
          },
        ];
      }),
    );
  });
  return 'claimed';
}

/** The result of a task as the log and the documents have it; excused pairs are left out. */
async function resultOf(
  task: string,
  { family, run, members }: RunPlan,
  deps: Pick<LeaseDeps, 'queries' | 'blobs'>,
): Promise<unknown> {
  const made = (await referencesOf(deps.queries.evaluation, family, run)).get(task);
  const reference = made === undefined ? null : await load(made.reference, Reference, deps);
  const rows: ResultRow[] = [];
  for (const { miner } of members) {
    const { invoked, evidence, judged, refusals, status } = await pairOf(deps.queries.evaluation, {
      family,
      run,
      task,
      miner,
    });
    if (status !== 'scored' && status !== 'failed') continue;
    rows.push({
      miner,
      outcome: invoked?.outcome ?? 'failed',
      latencyMs: invoked?.latencyMs ?? 0,
      cost: evidence?.cost.state === 'known' ? evidence.cost.cost : null,
      detail: refusals > 0 ? 'no judge can judge the answer' : (invoked?.detail ?? ''),
      judged: status === 'scored' ? judged : null,
    });
  }
  // What nobody was asked for costs nothing; a reference that another life made tells its own cost.
  return taskResult(reference, rows, made === undefined ? 0 : made.cost);
}

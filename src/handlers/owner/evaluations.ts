import { AppError } from '../../errors.ts';
import type { TaskSet } from '../../evaluation/task-set.ts';
import { leasesOf, resultCounts } from '../../projectors/owner-evaluations.ts';
import {
  findOwnerRun,
  type OwnerRun,
  ownerRuns,
  submissionsNamed,
} from '../../projectors/owner-registry.ts';
import { claimTasks } from './claim-tasks.ts';
import { naiveTime } from './naive-time.ts';
import { type ResultDeps, returnLease, takeResult } from './take-result.ts';
import { taskPayload } from './task-payload.ts';

type EvaluationsDeps = ResultDeps &
  Readonly<{
    readTasks: (digest: string) => Promise<TaskSet>;
    countingTasks: (run: OwnerRun) => Promise<readonly string[]>;
    leaseMs: number;
    publicUrl: () => string;
    now: () => string;
    inTurn: <T>(act: () => Promise<T>) => Promise<T>;
  }>;

/** What names one evaluation, and who speaks of it. */
type Named = Readonly<{ family: string; evaluation: string; validator: string }>;

/** Claims, results and their state, in the form of the existing services; a task is leased to each validator. */
export function createEvaluations(deps: EvaluationsDeps) {
  const { inTurn, evaluations } = deps;
  return {
    claim: (at: ClaimAt) => inTurn(() => claim(at, deps)),
    submit: (at: Named & Readonly<{ body: Uint8Array }>) =>
      inTurn(async () => {
        const { evaluation, run } = await takeResult(at, deps);
        const remaining = await remainingOf({ ...at, run }, deps);
        return {
          task_evaluation_id: evaluation,
          status: 'accepted' as const,
          family_evaluation_complete: remaining === 0,
          remaining_task_count: remaining,
        };
      }),
    giveBack: (at: Named) =>
      inTurn(async () => {
        const { evaluation } = await returnLease(at, deps);
        return { task_evaluation_id: evaluation, status: 'returned' as const };
      }),
    /** How far the asking validator is with a run, the newest one where none is named; null where there is none. */
    status: async ({ family, run, validator }: Omit<ClaimAt, 'batch'>) => {
      const found = await chooseRun(family, run, deps);
      if (found === null) return null;
      const at = { family, run: found.run, validator };
      const leases = await leasesOf(evaluations, at);
      const now = deps.now();
      const evaluated = leases.filter(({ status }) => status === 'evaluated').length;
      const claimed = leases.filter(({ status, expires }) => status === 'held' && expires > now);
      const total = found.sample ?? found.tasks.length;
      const counts = await resultCounts(evaluations, at);
      const members = await submissionsNamed(deps.registry, found.submissions);
      return {
        run_id: found.run,
        family_id: family,
        total_tasks: total,
        pending_tasks: total - evaluated - claimed.length,
        claimed_tasks: claimed.length,
        evaluated_tasks: evaluated,
        miners: members.map(({ miner }) => ({
          miner_hotkey: miner,
          judgments_received: counts.get(miner) ?? 0,
        })),
      };
    },
  };
}

type ClaimAt = Readonly<{
  family: string;
  /** Null for the newest run that is open. */
  run: string | null;
  validator: string;
  batch: number;
}>;

async function claim({ family, run: named, validator, batch }: ClaimAt, deps: EvaluationsDeps) {
  const run = await chooseRun(family, named, deps);
  if (run === null || run.ended !== null) return { tasks: [], remaining_task_count: 0 };
  const taskSet = await deps.readTasks(run.taskSet);
  const members = await submissionsNamed(deps.registry, run.submissions);
  const base = `${deps.publicUrl()}/v1/runs/${run.run}/submissions`;
  const miners = members.map(({ miner, submission }) => ({
    hotkey: miner,
    endpoint: `${base}/${submission}`,
    // Nothing that is hosted here is invoked, so there is no credential that a validator would need.
    auth_headers: {},
  }));
  const { leased, remaining } = await claimTasks(run, { validator, batch }, deps);
  const tasks = leased.map(({ evaluation, task, index, expires }) => {
    const found = taskSet.tasks.find(({ task_id }) => task_id === task);
    if (found === undefined)
      throw new AppError('log.broken', { found: `no task ${task} in the set ${run.taskSet}` });
    return {
      task_evaluation_id: evaluation,
      run_id: run.run,
      family_id: family,
      task_id: task,
      task_index: index,
      task_payload: taskPayload(found, taskSet, run.run),
      miners,
      claim_expires_at: naiveTime(expires),
      rubric_version: taskSet.rubric_version,
      benchmark_version: taskSet.benchmark_version,
    };
  });
  return { tasks, remaining_task_count: remaining };
}

/** An open run is among the newest. */
const NEWEST_RUNS = 50;

async function chooseRun(
  family: string,
  named: string | null,
  { registry }: Pick<EvaluationsDeps, 'registry'>,
): Promise<OwnerRun | null> {
  if (named !== null) return findOwnerRun(registry, family, named);
  const runs = await ownerRuns(registry, { family, limit: NEWEST_RUNS });
  return runs.find(({ ended }) => ended === null) ?? runs[0] ?? null;
}

/** The tasks that a validator has sent no result of. */
async function remainingOf(
  at: Readonly<{ family: string; run: string; validator: string }>,
  { registry, evaluations }: Pick<EvaluationsDeps, 'registry' | 'evaluations'>,
): Promise<number> {
  const run = await findOwnerRun(registry, at.family, at.run);
  const leases = await leasesOf(evaluations, at);
  const done = leases.filter(({ status }) => status === 'evaluated').length;
  return run === null ? 0 : (run.sample ?? run.tasks.length) - done;
}

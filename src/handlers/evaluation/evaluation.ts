import { claimsOf, settledPairs } from '../../projectors/evaluation-queries.ts';
import type { Queries } from '../../projectors/projector.ts';
import { findRun, unfinishedRuns } from '../../projectors/run-state.ts';
import { type Excuses, NOTHING_EXCUSED } from './close-with-excuses.ts';
import { type Begin, type Pair, pairName } from './decide-evaluation.ts';
import { keep } from './documents.ts';
import { type CorporaDeps, createCorporaKeeper } from './keep-corpora.ts';
import {
  createRuntimeKeeper,
  type Kept,
  type RuntimeDeps,
  type Standings,
} from './keep-runtimes.ts';
import type { Cause, Later } from './later.ts';
import { createReferences, type ReferenceDeps } from './make-reference.ts';
import type { Leases } from './ports.ts';
import { createPlanner, type PlanDeps, type RunPlan } from './run-plan.ts';
import { createSecondLook } from './second-look.ts';
import { createLeaseKeeper } from './tend-leases.ts';
import { createWork, type Work, type WorkParts } from './work.ts';

export type EvaluationParts = Omit<WorkParts, 'queries' | 'whyExcused'> &
  Omit<RuntimeDeps, 'queries'> &
  Omit<PlanDeps, 'queries' | 'whyNotSearchable'> &
  CorporaDeps &
  Pick<ReferenceDeps, 'oracles'> &
  Readonly<{
    queries: Readonly<{ evaluation: Queries; runState: Queries; decisions: Queries }>;
    /** Null where the tasks are the roster's: everybody's, without asking. */
    leases: Leases | null;
    /** Tells of each pair that is recorded as excused, and by what. */
    onExcused: (cause: ExcuseCause) => void;
  }>;

/** What of ours is to blame that a pair counts for nobody: what it waited for, no oracles, or the time alone. */
type ExcuseCause = Cause | 'no-oracle' | 'time';

/** What the loop last saw, for `/readyz` and metrics. */
type EvaluationState = {
  /** Pairs that are worked on, and pairs that wait after a failure of ours. */
  busy: number;
  waiting: number;
  /** Pairs that wait because something of ours threw over them. */
  defects: number;
  /** Tasks of the open runs that are judged for nobody: they need oracles, and none are configured. */
  noOracle: number;
  /** What is missing so that the open run can be evaluated; null when nothing is. */
  holdup: string | null;
};

/**
 * The evaluation of the open runs: keeps their runtimes, asks the miners, has their answers judged and records the
 * scores. What it knows is in the log; what it holds itself is only who is at work and who waits. `round` begins what
 * is due and does not wait for it.
 */
export function createEvaluation(parts: EvaluationParts) {
  const state: EvaluationState = { busy: 0, waiting: 0, defects: 0, noOracle: 0, holdup: null };
  const planOf = createPlanner({ ...parts, whyNotSearchable: createCorporaKeeper(parts) });
  const { whyExcused, look } = createSecondLook(parts.signal);
  const work = createWork({ ...parts, whyExcused }, createReferences(parts));
  const keepRuntimes = createRuntimeKeeper(parts);
  const tendLeases =
    parts.leases === null
      ? null
      : createLeaseKeeper({ ...parts, leases: parts.leases, tasks: parts.parallel.tasks });
  /** What each open run's plan was when there last was one. */
  const lastPlans = new Map<string, RunPlan>();
  return {
    state,
    round: async (): Promise<void> => {
      work.rethrow();
      const { plans, whole } = await plansOf(parts, planOf, lastPlans, state);
      if (whole) work.keepOnly(plans);
      const kept = await look(async () => (whole ? keepRuntimes(plans) : NOT_WHOLE));
      const standings = standingsOf(kept, state);
      for (const plan of plans.filter(({ holdup }) => holdup === null)) {
        const settled = await settledPairs(parts.queries.evaluation, plan.family, plan.run);
        if (tendLeases !== null)
          work.aside(`leases of ${plan.run}`, () => tendLeases(plan, settled));
        const tasks = await tasksOf(plan, parts);
        const begun = work.decide(plan, { tasks, settled, standings });
        await claimTasks(plan, begun, parts);
        for (const pair of begun) work.begin(plan, pair, standings);
      }
      Object.assign(state, work.counts());
    },
    /** The excuses of a run that is about to be closed, for pairs that were begun and have no result. */
    excuses: async ({ family, run }: Readonly<{ family: string; run: string }>) => {
      const found = await findRun(parts.queries.runState, family, run);
      if (found === null) return NOTHING_EXCUSED;
      const planned = await planOf(found);
      return planned.kind === 'planned'
        ? excusesOf(planned.plan, parts, work.whyNot)
        : NOTHING_EXCUSED;
    },
    /** Resolves when nothing is at work any more; the signal has to be aborted before. */
    drained: work.drained,
  };
}

/** Without all plans nobody can say which runtimes belong to which run: to renew some would be to end the others. */
const NOT_WHOLE: Kept = { kind: 'unknown', detail: 'the members of a run are not known' };

/** How the miners stand; all of them wait while nobody knows. */
function standingsOf(kept: Kept, state: EvaluationState): Standings {
  if (kept.kind === 'known') return kept.standings;
  state.holdup ??= `how the runtimes stand is not known: ${kept.detail}`;
  return new Map();
}

/**
 * The plans of the open runs, and whether they are whole. A run whose documents are not here any more keeps the miners
 * of its last plan, and nothing of it is begun.
 */
async function plansOf(
  { queries }: Pick<EvaluationParts, 'queries'>,
  planOf: ReturnType<typeof createPlanner>,
  lastPlans: Map<string, RunPlan>,
  state: EvaluationState,
): Promise<Readonly<{ plans: readonly RunPlan[]; whole: boolean }>> {
  const open = (await unfinishedRuns(queries.runState)).filter(({ status }) => status === 'open');
  state.holdup = null;
  state.noOracle = 0;
  const plans: RunPlan[] = [];
  let whole = true;
  for (const run of open) {
    const found = await planOf(run);
    const holdup = found.kind === 'planned' ? found.plan.holdup : found.detail;
    if (holdup !== null) state.holdup = `${run.run}: ${holdup}`;
    const name = `${run.family}/${run.run}`;
    if (found.kind === 'planned') {
      plans.push(found.plan);
      lastPlans.set(name, found.plan);
      state.noOracle += found.plan.noOracle.size;
    } else if (found.running) {
      const last = lastPlans.get(name);
      if (last === undefined) whole = false;
      else plans.push({ ...last, holdup: found.detail });
    }
  }
  const names = new Set(open.map(({ family, run }) => `${family}/${run}`));
  for (const name of lastPlans.keys()) if (!names.has(name)) lastPlans.delete(name);
  return { plans, whole };
}

/** The tasks that may be begun: all of the run's that can be judged, or those of them that the owner leased to us. */
async function tasksOf(
  { family, run, tasks, noOracle }: RunPlan,
  { queries, leases }: Pick<EvaluationParts, 'queries' | 'leases'>,
): Promise<readonly string[]> {
  const judged = [...tasks.keys()].filter((task) => !noOracle.has(task));
  if (leases === null) return judged;
  const claims = await claimsOf(queries.evaluation, family, run);
  return judged.filter((task) => claims.get(task)?.returned === false);
}

/** Tells of the tasks that are begun for the first time. */
async function claimTasks(
  { family, run }: RunPlan,
  begun: readonly Begin[],
  { queries, alone, record }: Pick<EvaluationParts, 'queries' | 'alone' | 'record'>,
): Promise<void> {
  if (begun.length === 0) return;
  await alone(async () => {
    const claims = await claimsOf(queries.evaluation, family, run);
    const fresh = [...new Set(begun.map(({ task }) => task))].filter((task) => !claims.has(task));
    await record(
      fresh.map((task) => ({
        type: 'task.claimed.v1',
        data: { family, run, task, attempt: 1, lease: null },
      })),
    );
  });
}

/**
 * Begun pairs without a result, and every pair of a task that nobody could be judged by: our failure, which counts for
 * nobody and blames nobody.
 */
async function excusesOf(
  plan: RunPlan,
  parts: Pick<EvaluationParts, 'queries' | 'blobs' | 'onExcused'>,
  whyNot: Work['whyNot'],
): ReturnType<Excuses> {
  const { family, run, members, noOracle } = plan;
  const claims = await claimsOf(parts.queries.evaluation, family, run);
  const settled = await settledPairs(parts.queries.evaluation, family, run);
  const pairs = [...new Set([...claims.keys(), ...noOracle])]
    .flatMap((task) => members.map(({ miner }) => ({ task, miner })))
    .filter((pair) => !settled.has(pairName(pair)))
    .map((pair) => ({ pair, ...blameOf(pair, noOracle, whyNot(plan, pair)) }));
  if (pairs.length === 0) return NOTHING_EXCUSED;
  const reasons = pairs.map(({ pair, reason }) => ({ ...pair, reason }));
  const evidence = await keep({ v: 'eirel/excuses/1', family, run, pairs: reasons }, parts);
  const result = { status: 'excused', score: null, basis: 'none', evidence } as const;
  return {
    events: pairs.map(({ pair }) => ({
      type: 'score.recorded.v1',
      data: { family, run, ...pair, ...result },
    })),
    onRecorded: () => {
      for (const { cause } of pairs) parts.onExcused(cause);
    },
  };
}

/** Why a pair is excused: by what of ours, and in words. */
function blameOf(
  { task }: Pair,
  noOracle: ReadonlySet<string>,
  why: Later | null,
): Readonly<{ cause: ExcuseCause; reason: string }> {
  if (noOracle.has(task)) return { cause: 'no-oracle', reason: 'no-oracle' };
  return why === null
    ? { cause: 'time', reason: 'the run ended before its result' }
    : { cause: why.cause, reason: why.detail };
}

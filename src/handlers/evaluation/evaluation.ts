import type { InRun } from '../../events/define-event.ts';
import { claimsOf, settledPairs } from '../../projectors/evaluation-queries.ts';
import type { Queries } from '../../projectors/projector.ts';
import { findRun, unfinishedRuns } from '../../projectors/run-state.ts';
import { NOTHING_EXCUSED } from './close-with-excuses.ts';
import type { Begin } from './decide-evaluation.ts';
import { type EndDeps, endPairs } from './end-pairs.ts';
import { type CorporaDeps, createCorporaKeeper } from './keep-corpora.ts';
import {
  createRuntimeKeeper,
  type Kept,
  type RuntimeDeps,
  type Standings,
} from './keep-runtimes.ts';
import { createReferences, type ReferenceDeps } from './make-reference.ts';
import type { PlanNow } from './places.ts';
import type { Leases } from './ports.ts';
import { type Crowded, createRoom } from './room.ts';
import { createPlanner, type PlanDeps, type RunPlan } from './run-plan.ts';
import { progressOf, type RunProgress, type SeenRun } from './run-progress.ts';
import { createSecondLook } from './second-look.ts';
import { createLeaseKeeper } from './tend-leases.ts';
import { createWork, type Work, type WorkParts } from './work.ts';

export type EvaluationParts = Omit<WorkParts, 'queries' | 'whyExcused'> &
  Omit<RuntimeDeps, 'queries'> &
  Omit<PlanDeps, 'queries' | 'whyNotSearchable'> &
  CorporaDeps &
  Pick<ReferenceDeps, 'oracles'> &
  Pick<EndDeps, 'onExcused'> &
  Readonly<{
    queries: Readonly<{ evaluation: Queries; runState: Queries; decisions: Queries }>;
    /** Null where the tasks are the roster's: everybody's, without asking. */
    leases: Leases | null;
    /** Tells of a run that has more submissions than find room in the cluster at once. */
    onCrowded: (crowded: Crowded) => void;
  }>;

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
  /** The open runs whose submissions do not all find room in the cluster at once. */
  crowded: readonly Crowded[];
  /** How far each run is that still needs something, the oldest first. */
  progress: readonly RunProgress[];
};

/**
 * The evaluation of the open runs: keeps their runtimes, asks the miners, has their answers judged and records the
 * scores. What it knows is in the log; what it holds itself is only who is at work and who waits. `round` begins what
 * is due and does not wait for it.
 */
export function createEvaluation(parts: EvaluationParts) {
  const counts = { busy: 0, waiting: 0, defects: 0, noOracle: 0 };
  const state: EvaluationState = { ...counts, holdup: null, crowded: [], progress: [] };
  const corpora = createCorporaKeeper(parts);
  const planOf = createPlanner({ ...parts, ...corpora });
  const { whyExcused, look } = createSecondLook(parts.signal);
  const work = createWork({ ...parts, whyExcused }, createReferences(parts));
  const keepRuntimes = createRuntimeKeeper(parts);
  const roomOf = createRoom(parts);
  const tendLeases =
    parts.leases === null
      ? null
      : createLeaseKeeper({ ...parts, leases: parts.leases, tasks: parts.parallel.tasks });
  return {
    state,
    round: async (): Promise<void> => {
      work.rethrow();
      const { plans, spared, seen } = await plansOf(parts, planOf, state);
      work.keepOnly([...plans, ...spared]);
      corpora.keepOnly([...plans, ...spared].map(({ family, run }) => `${family}/${run}`));
      const now = await Promise.all(plans.map((plan) => planNow(plan, work, parts)));
      const kept = await look(() => keepRuntimes(now, spared));
      const standings = standingsOf(kept, state);
      state.crowded = await roomOf(plans);
      for (const plan of now.filter(({ holdup }) => holdup === null)) {
        const settled = await settledPairs(parts.queries.evaluation, plan.family, plan.run);
        if (tendLeases !== null)
          work.aside(`leases of ${plan.run}`, () => tendLeases(plan, settled));
        const begun = work.decide(plan, { tasks: plan.due, settled, standings });
        await claimTasks(plan, begun, parts);
        for (const pair of begun) work.begin(plan, pair, standings);
      }
      Object.assign(state, work.counts());
      const seenWith = { ...parts, atWork: work.atWork };
      const stand = { kept, crowded: state.crowded };
      state.progress = await Promise.all(seen.map((each) => progressOf(each, stand, seenWith)));
    },
    /** How the pairs of a run end that have no result when it is about to be closed. */
    excuses: async ({ family, run }: Readonly<{ family: string; run: string }>) => {
      const found = await findRun(parts.queries.runState, family, run);
      if (found === null) return NOTHING_EXCUSED;
      const planned = await planOf(found);
      return planned.kind === 'planned'
        ? endPairs(planned.plan, { ...parts, whyNot: work.whyNot })
        : NOTHING_EXCUSED;
    },
    /** Resolves when nothing is at work any more; the signal has to be aborted before. */
    drained: work.drained,
  };
}

/** How the miners stand; all of them wait while nobody knows. */
function standingsOf(kept: Kept, state: EvaluationState): Standings {
  if (kept.kind === 'known') return kept.standings;
  state.holdup ??= `how the runtimes stand is not known: ${kept.detail}`;
  return new Map();
}

/**
 * The plans of the open runs, and the runs that are going on although their members are not known here: nothing of such
 * a run is begun, and what runs of it is spared.
 */
async function plansOf(
  { queries }: Pick<EvaluationParts, 'queries'>,
  planOf: ReturnType<typeof createPlanner>,
  state: EvaluationState,
): Promise<
  Readonly<{ plans: readonly RunPlan[]; spared: readonly InRun[]; seen: readonly SeenRun[] }>
> {
  state.holdup = null;
  state.noOracle = 0;
  const plans: RunPlan[] = [];
  const spared: InRun[] = [];
  const seen: SeenRun[] = [];
  for (const each of await unfinishedRuns(queries.runState)) {
    const { family, run } = each;
    if (each.status === 'closed') {
      seen.push({ run: each, plan: null, holdup: null });
      continue;
    }
    const found = await planOf(each);
    const holdup = found.kind === 'planned' ? found.plan.holdup : found.detail;
    if (holdup !== null) state.holdup = `${run}: ${holdup}`;
    if (found.kind === 'planned') {
      plans.push(found.plan);
      state.noOracle += found.plan.noOracle.size;
    } else if (found.running) spared.push({ family, run });
    const plan = found.kind === 'planned' ? found.plan : null;
    const what = plan === null ? 'roster' : 'tasks';
    seen.push({ run: each, plan, holdup: holdup === null ? null : { what, detail: holdup } });
  }
  return { plans, spared, seen };
}

/** With the tasks that may be begun: all of the run's that can be judged, or those of them that the owner leased to us. */
async function planNow(
  plan: RunPlan,
  { atWork }: Pick<Work, 'atWork'>,
  { queries, leases }: Pick<EvaluationParts, 'queries' | 'leases'>,
): Promise<PlanNow> {
  const { family, run, tasks, noOracle } = plan;
  const busy = new Set(atWork(plan).busy.map(({ miner }) => miner));
  const judged = [...tasks.keys()].filter((task) => !noOracle.has(task));
  if (leases === null) return { ...plan, due: judged, busy };
  const claims = await claimsOf(queries.evaluation, family, run);
  const due = judged.filter((task) => claims.get(task)?.returned === false);
  return { ...plan, due, busy };
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

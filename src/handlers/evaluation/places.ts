import type { RuntimeState } from '../../cluster/cluster.ts';
import { settledPairs } from '../../projectors/evaluation-queries.ts';
import type { Queries } from '../../projectors/projector.ts';
import type { RuntimeRecord } from '../../projectors/runtime-queries.ts';
import { pairName } from './decide-evaluation.ts';
import type { RunPlan } from './run-plan.ts';

/** A plan with what of it may be begun now, and the miners that somebody works for. */
export type PlanNow = RunPlan &
  Readonly<{
    /** The tasks that may be begun: with leases from the owner, those that are leased to us. */
    due: readonly string[];
    busy: ReadonlySet<string>;
  }>;

/** Whether a miner's submission is to run, and what is left for it: of its run, or of the tasks that may be begun now. */
export type Place = Readonly<{ wanted: boolean; left: 'something' | 'nothing-now' | 'nothing' }>;

/** Tasks that are leased within so long find their miners running; what has nothing to do for longer is begun anew then. */
const IDLE_MS = 300_000;

/**
 * Who needs a place in the cluster. A miner that has all its results needs none. One that has those of all tasks that may
 * be begun keeps its place for a while, unless another one waits for room: otherwise those who came first would keep it
 * until the run ends, and the tasks that are leased would never be whole. What has nothing to do is never begun.
 */
export function createPlaces({
  queries,
  clock,
}: Readonly<{ queries: Readonly<{ evaluation: Queries }>; clock: () => number }>) {
  /** Since when a deployment has nothing to do; for ever where it made room, so that it is gone before it is begun anew. */
  const idleSince = new Map<string, number>();
  let crowded = false;
  const isKept = (deployment: string, record: RuntimeRecord | undefined): boolean => {
    if (record?.phase !== 'ready') return false;
    const now = clock();
    const since = crowded ? Number.NEGATIVE_INFINITY : (idleSince.get(deployment) ?? now);
    idleSince.set(deployment, since);
    return now - since < IDLE_MS;
  };
  return {
    of: async (
      plans: readonly PlanNow[],
      records: ReadonlyMap<string, RuntimeRecord>,
    ): Promise<ReadonlyMap<string, Place>> => {
      const places = new Map<string, Place>();
      for (const plan of plans) {
        const settled = await settledPairs(queries.evaluation, plan.family, plan.run);
        for (const { deployment, miner } of plan.members) {
          const left = leftFor(miner, plan, settled);
          if (left !== 'nothing-now') idleSince.delete(deployment);
          const kept = left === 'nothing-now' && isKept(deployment, records.get(deployment));
          places.set(deployment, { left, wanted: left === 'something' || kept });
        }
      }
      for (const deployment of idleSince.keys())
        if (!places.has(deployment)) idleSince.delete(deployment);
      return places;
    },
    /** Takes note of whether anybody waits for room. */
    see: (states: readonly RuntimeState[]): void => {
      crowded = states.some(waitsForRoom);
    },
  };
}

/** Whether an attempt is held up because the cluster has no place for it. */
export function waitsForRoom({ phase, failure }: RuntimeState): boolean {
  return phase === 'starting' && failure?.reason === 'quota';
}

/** Where the tasks are not known yet, everything is left. */
function leftFor(
  miner: string,
  { tasks, noOracle, due, busy }: PlanNow,
  settled: ReadonlySet<string>,
): Place['left'] {
  if (tasks.size === 0 || busy.has(miner)) return 'something';
  const has = (task: string): boolean => settled.has(pairName({ task, miner }));
  if ([...tasks.keys()].every((task) => noOracle.has(task) || has(task))) return 'nothing';
  return due.every(has) ? 'nothing-now' : 'something';
}

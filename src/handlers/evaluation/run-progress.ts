import { detailOf } from '../../events/scalars.ts';
import { pairCounts } from '../../projectors/evaluation-queries.ts';
import type { Queries } from '../../projectors/projector.ts';
import type { Run } from '../../projectors/run-state.ts';
import type { Kept } from './keep-runtimes.ts';
import type { Cause } from './later.ts';
import type { Outage } from './ports.ts';
import type { Crowded } from './room.ts';
import type { RunPlan } from './run-plan.ts';
import type { AtWork } from './work.ts';

/** What an evaluation waits for: what everything or a miner waits for, and then what single pairs do. */
type WaitsFor = 'roster' | 'tasks' | 'disk' | 'cluster' | 'room' | 'leases' | Cause;

/** How far the evaluation of a run is, in pairs of a task and a miner. */
export type RunProgress = Readonly<{
  family: string;
  run: string;
  status: Run['status'];
  pairs: Readonly<{
    /** Of each miner whose archive is here with each task that counts; null while no roster is accepted. */
    planned: number | null;
    /** With a score; one that its miner failed has the score 0. */
    scored: number;
    /** That count for nobody, because of us. */
    excused: number;
    busy: number;
    /** Put off after a failure of ours, and not tried again yet. */
    waiting: number;
    /** Of tasks that nobody here can judge: they will be excused. */
    unjudged: number;
  }>;
  waitsFor: readonly Readonly<{ what: WaitsFor; detail: string }>[];
}>;

/** A run, with its plan while it is open and its documents are here. */
export type SeenRun = Readonly<{
  run: Run;
  plan: RunPlan | null;
  /** What keeps it from being begun; null where nothing does. */
  holdup: Readonly<{ what: 'roster' | 'tasks'; detail: string }> | null;
}>;

/** How the miners stand, and how many of them find room in the cluster at once where that is not all of some run. */
type Stand = Readonly<{ kept: Kept; crowded: readonly Crowded[] }>;

type ProgressDeps = Readonly<{
  queries: Readonly<{ evaluation: Queries }>;
  atWork: (run: Readonly<{ family: string; run: string }>) => AtWork;
  outage: Outage;
  shortage: () => string | null;
  clock: () => number;
}>;

/** How far a run is, by the log and by who is at work now. */
export async function progressOf(
  { run: { family, run, status, measured, sample, tasks }, plan, holdup }: SeenRun,
  stand: Stand,
  deps: ProgressDeps,
): Promise<RunProgress> {
  const { archives, scored, excused } = await pairCounts(deps.queries.evaluation, family, run);
  const { busy, waiting } = deps.atWork({ family, run });
  const planned = measured ? archives * (sample ?? tasks.length) : null;
  const unjudged = archives * (plan?.noOracle.size ?? 0);
  const left = planned === null || scored + excused + unjudged < planned;
  return {
    family,
    run,
    status,
    pairs: {
      planned,
      scored,
      excused,
      busy: busy.length,
      waiting: sum(waiting.values()),
      unjudged,
    },
    waitsFor:
      status === 'open' && left
        ? [
            ...(holdup === null ? [] : [holdup]),
            ...heldUp(deps),
            ...(plan === null ? [] : runtimesOf(plan, stand)),
            ...[...waiting].map(([what, pairs]) => ({
              what,
              detail: `${pairs} pairs are put off`,
            })),
          ]
        : [],
  };
}

/**
 * The pairs of the open runs by their state, each in one: `left` are those that nobody has begun, null while that is not
 * known because a run has no roster.
 */
export function pairsByState(progress: readonly RunProgress[]): PairsByState {
  const open = progress.filter(({ status }) => status === 'open').map(({ pairs }) => pairs);
  const of = (state: Exclude<keyof RunProgress['pairs'], 'planned'>): number =>
    sum(open.map((pairs) => pairs[state]));
  const states = {
    scored: of('scored'),
    excused: of('excused'),
    busy: of('busy'),
    waiting: of('waiting'),
    unjudged: of('unjudged'),
  };
  const known = open.every(({ planned }) => planned !== null);
  const planned = sum(open.map((pairs) => pairs.planned ?? 0));
  return { ...states, left: known ? Math.max(0, planned - sum(Object.values(states))) : null };
}

type PairsByState = Readonly<
  Record<Exclude<keyof RunProgress['pairs'], 'planned'>, number> & { left: number | null }
>;

function heldUp({ outage, shortage, clock }: ProgressDeps): RunProgress['waitsFor'] {
  const away = outage(clock());
  const short = shortage();
  return [
    ...(away === null ? [] : [{ what: 'services', detail: detailOf(away) } as const]),
    ...(short === null ? [] : [{ what: 'disk', detail: detailOf(short) } as const]),
  ];
}

/** What the miners of a run wait for, each with how many do. */
function runtimesOf({ run, members }: RunPlan, { kept, crowded }: Stand): RunProgress['waitsFor'] {
  const room = crowded.find((each) => each.run === run)?.room;
  const ofRoom = room === undefined ? '' : `; ${room} find room at once`;
  if (kept.kind === 'unknown') return [{ what: 'cluster', detail: kept.detail }];
  const waits = members.flatMap(({ deployment }) => kept.standings.get(deployment)?.waitsFor ?? []);
  return (['room', 'runtime', 'leases'] as const).flatMap((what) => {
    const those = waits.filter((each) => each === what).length;
    if (those === 0) return [];
    const detail = `${those} of ${members.length} miners${what === 'room' ? ofRoom : ''}`;
    return [{ what, detail }];
  });
}

function sum(figures: Iterable<number>): number {
  let total = 0;
  for (const each of figures) total += each;
  return total;
}

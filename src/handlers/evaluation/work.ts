import type { InRun } from '../../events/define-event.ts';
import { endsTheLoop } from '../validator-loop.ts';
import {
  type Begin,
  decideEvaluation,
  type EvaluationView,
  pairName,
} from './decide-evaluation.ts';
import type { Standings } from './keep-runtimes.ts';
import { type Cause, type Later, later } from './later.ts';
import { type PairDeps, type PairDone, performPair } from './perform-pair.ts';
import type { Outage } from './ports.ts';
import type { Member, RunPlan } from './run-plan.ts';

/** A pair that waits after a failure of ours is tried again after so long, twice as long each time. */
const BACKOFF_FIRST_MS = 2_000;
const BACKOFF_LAST_MS = 60_000;

/** Calls that a miner left are looked at so often: it gains little time by them, and its other tasks have their turn. */
const CALLS_AGAIN_MS = 20_000;

export type WorkParts = Omit<PairDeps, 'referenceOf'> &
  Readonly<{
    /** How many pairs are worked on at once, and of how many tasks. */
    parallel: Readonly<{ pairs: number; tasks: number }>;
    outage: Outage;
    /** Why nothing new is begun although everything answers, such as a disk that is nearly full; null when nothing is. */
    shortage: () => string | null;
    /** Tells of what waits, and why. */
    onLater: (pair: Readonly<{ run: string; task: string; miner: string }>, why: Later) => void;
    /** Tells of a pair over which something here throws: a defect that somebody has to look at. */
    onDefect: (
      pair: Readonly<{ run: string; task: string; miner: string }>,
      error: unknown,
    ) => void;
  }>;

type Waiting = Readonly<{ until: number; failures: number; why: Later }>;
type PairName = Readonly<{ task: string; miner: string }>;

/** Who is at work for a run, and what others wait for, each with how many do. */
export type AtWork = Readonly<{
  busy: readonly PairName[];
  waiting: ReadonlyMap<Cause, number>;
}>;

export type Work = ReturnType<typeof createWork>;

/**
 * Who is at work and who waits, in this process: the log knows what was done, and needs nothing of this to go on after
 * a crash. A pair over which something throws waits like any other; only what ends the loop is the loop's.
 */
export function createWork(parts: WorkParts, referenceOf: PairDeps['referenceOf']) {
  const busy = new Map<string, PairName>();
  const waits = new Map<string, Waiting>();
  const used = new Map<string, number>();
  const crew = createCrew();
  const stops = createStops(parts.signal);
  return {
    /** Which pairs of a run are to be begun now. */
    decide: (plan: RunPlan, now: RunNow): readonly Begin[] =>
      decideEvaluation(viewOf(plan, now, { busy, waits, used, parts })),
    begin: (plan: RunPlan, pair: Begin, standings: Standings): void => {
      const member = plan.members.find(({ miner }) => miner === pair.miner);
      if (member === undefined) return;
      const key = `${nameOf(plan)}/${pairName(pair)}`;
      const signal = stops.of(nameOf(plan));
      busy.set(key, { task: pair.task, miner: pair.miner });
      const begunMs = parts.clock();
      const deps = { ...parts, referenceOf, signal };
      crew.launch(key, async () => {
        try {
          const why = await tryPair(plan, member, pair, standings, deps);
          if (why === null) waits.delete(key);
          else if (!signal.aborted) waits.set(key, postponed(waits.get(key), why, parts.clock()));
        } finally {
          busy.delete(key);
          const user = `${nameOf(plan)}/${pair.miner}`;
          used.set(user, (used.get(user) ?? 0) + parts.clock() - begunMs);
        }
      });
    },
    /** Does something beside the pairs, unless it is being done. */
    aside: crew.launch,
    /** Whoever works for a run that is closed stops. */
    keepOnly: (runs: readonly InRun[]): void => {
      for (const name of stops.keepOnly(new Set(runs.map(nameOf))))
        for (const kept of [waits, used])
          for (const [rest] of within<unknown>(kept, `${name}/`)) kept.delete(`${name}/${rest}`);
    },
    /** Why a pair has no result yet; null where nothing was in its way but the time. */
    whyNot: (plan: RunPlan, pair: PairName): Later | null =>
      waits.get(`${nameOf(plan)}/${pairName(pair)}`)?.why ?? null,
    /** The pairs of a run that are worked on, and how many of the others wait for what. */
    atWork: (run: Readonly<{ family: string; run: string }>): AtWork => {
      const prefix = `${nameOf(run)}/`;
      const waiting = new Map<Cause, number>();
      for (const [pair, { why }] of within(waits, prefix))
        if (!busy.has(`${prefix}${pair}`))
          waiting.set(why.cause, (waiting.get(why.cause) ?? 0) + 1);
      return { busy: within(busy, prefix).map(([, pair]) => pair), waiting };
    },
    rethrow: crew.rethrow,
    counts: () => ({
      busy: busy.size,
      waiting: waits.size,
      defects: [...waits.values()].filter(({ why }) => why.cause === 'defect').length,
    }),
    drained: crew.drained,
  };
}

/** What a round knows of a run. */
type RunNow = Readonly<{
  tasks: readonly string[];
  settled: ReadonlySet<string>;
  standings: Standings;
}>;

type WorkDeps = PairDeps & Pick<WorkParts, 'onLater' | 'onDefect'>;

/** What the log, the runtimes and this process know of a run. */
function viewOf(
  plan: RunPlan,
  { tasks, settled, standings }: RunNow,
  {
    busy,
    waits,
    used,
    parts,
  }: Readonly<{
    busy: ReadonlyMap<string, PairName>;
    waits: ReadonlyMap<string, Waiting>;
    used: ReadonlyMap<string, number>;
    parts: Pick<WorkParts, 'clock' | 'outage' | 'shortage' | 'parallel'>;
  }>,
): EvaluationView {
  const prefix = `${nameOf(plan)}/`;
  const own = within(busy, prefix);
  const now = parts.clock();
  return {
    tasks,
    settled,
    miners: plan.members.map(({ miner, deployment }) => ({
      miner,
      standing: standings.get(deployment)?.standing ?? 'waiting',
      usedMs: used.get(`${prefix}${miner}`) ?? 0,
    })),
    busy: own.map(([, pair]) => pair),
    notBefore: new Map(within(waits, prefix).map(([pair, { until }]) => [pair, until])),
    now,
    outage: parts.outage(now) ?? parts.shortage(),
    limits: {
      pairs: parts.parallel.pairs - (busy.size - own.length),
      tasks: parts.parallel.tasks,
    },
  };
}

/** Works on a pair; gives what it waits for, null where it has its result. Throws what ends the loop, or ends with it. */
async function tryPair(
  plan: RunPlan,
  member: Member,
  pair: Begin,
  standings: Standings,
  deps: WorkDeps,
): Promise<Later | null> {
  const named = { run: plan.run, ...pairOnly(pair) };
  try {
    const done = await workOn(plan, member, pair, standings, deps);
    if (done.kind === 'settled') return null;
    deps.onLater(named, done);
    return done;
  } catch (error) {
    if (deps.signal.aborted || endsTheLoop(error)) throw error;
    deps.onDefect(named, error);
    const name = error instanceof Error ? error.name : typeof error;
    return later('defect', `a defect of ours: ${name}`);
  }
}

async function workOn(
  { family, run, tasks }: RunPlan,
  member: Member,
  pair: Begin,
  standings: Standings,
  deps: PairDeps,
): Promise<PairDone> {
  const task = tasks.get(pair.task);
  const runtime = standings.get(member.deployment);
  if (task === undefined || runtime === undefined) return later('run', 'the run has changed');
  const at = { family, run, task, member };
  if (pair.how === 'lose')
    return performPair({ ...at, runtime: { failure: runtime.record?.failure ?? null } }, deps);
  const { url, record } = runtime;
  if (url === null || record === undefined) return later('runtime', 'the runtime has no address');
  return performPair({ ...at, runtime: { url, runtimeAttempt: record.attempt } }, deps);
}

function pairOnly({ task, miner }: Begin): PairName {
  return { task, miner };
}

function nameOf({ family, run }: InRun): string {
  return `${family}/${run}`;
}

function postponed(before: Waiting | undefined, why: Later, now: number): Waiting {
  const isWaiting = why.cause === 'calls';
  const failures = (before?.failures ?? 0) + (isWaiting ? 0 : 1);
  const backoff = Math.min(BACKOFF_LAST_MS, BACKOFF_FIRST_MS * 2 ** Math.min(failures - 1, 16));
  const wait = isWaiting ? CALLS_AGAIN_MS : backoff;
  return { until: now + wait, failures, why };
}

/** What is kept under names that begin so, by the rest of the name. */
function within<T>(map: ReadonlyMap<string, T>, prefix: string): readonly (readonly [string, T])[] {
  return [...map].flatMap(([key, value]) =>
    key.startsWith(prefix) ? [[key.slice(prefix.length), value] as const] : [],
  );
}

/** Work that goes on by itself: a failure of it is the loop's, told by the next round. */
function createCrew() {
  const running = new Map<string, Promise<void>>();
  const crashes: unknown[] = [];
  return {
    launch: (name: string, act: () => Promise<void>): void => {
      if (running.has(name)) return;
      const done = act()
        .catch((error: unknown) => void crashes.push(error))
        .finally(() => running.delete(name));
      running.set(name, done);
    },
    rethrow: (): void => {
      if (crashes.length === 0) return;
      const [first] = crashes;
      const fatal = crashes.find(endsTheLoop);
      crashes.length = 0;
      throw fatal ?? first;
    },
    drained: async (): Promise<void> => {
      while (running.size > 0) await Promise.all(running.values());
    },
  };
}

/** A stop for each run, beside the one of the process. */
function createStops(signal: AbortSignal) {
  const stops = new Map<string, AbortController>();
  return {
    of: (name: string): AbortSignal => {
      const stop = stops.get(name) ?? new AbortController();
      stops.set(name, stop);
      return AbortSignal.any([signal, stop.signal]);
    },
    /** Stops the others; gives their names. */
    keepOnly: (open: ReadonlySet<string>): readonly string[] => {
      const others = [...stops].filter(([name]) => !open.has(name));
      for (const [name, stop] of others) {
        stop.abort(new Error('the run is closed'));
        stops.delete(name);
      }
      return others.map(([name]) => name);
    },
  };
}

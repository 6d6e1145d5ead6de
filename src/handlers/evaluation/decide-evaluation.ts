/** How a miner's runtime stands: it is asked only when it is ready; a lost one failed by its own fault for good. */
export type Standing = 'ready' | 'waiting' | 'lost';

export type Pair = Readonly<{ task: string; miner: string }>;

/** What a round of the evaluation is decided on. Times are milliseconds. */
export type EvaluationView = Readonly<{
  /** The tasks that count and may be begun, in the order in which they are. */
  tasks: readonly string[];
  /** With the time that each has been worked on in this run so far. */
  miners: readonly Readonly<{ miner: string; standing: Standing; usedMs: number }>[];
  /** Pairs that have their one result, as `task/miner`. */
  settled: ReadonlySet<string>;
  /** Pairs that somebody works on. */
  busy: readonly Pair[];
  /** Until when a pair waits after a failure of ours, as `task/miner`. */
  notBefore: ReadonlyMap<string, number>;
  now: number;
  /** What of our own services is not there, or runs short; null when nothing is. */
  outage: string | null;
  limits: Readonly<{ pairs: number; tasks: number }>;
}>;

export type Begin = Pair & Readonly<{ how: 'evaluate' | 'lose' }>;

/**
 * Which pairs are begun now: for each miner that nobody works for, the first of its tasks that is due, as long as there is
 * room. Whoever took least of this validator's time so far comes first, so those who take all that a turn may take hold
 * up only each other. Nothing is begun while a service of ours is away. A pair that waits after a failure keeps no other
 * from its place.
 */
export function decideEvaluation(view: EvaluationView): readonly Begin[] {
  if (view.outage !== null) return [];
  const { limits, busy } = view;
  const busyPairs = new Set(busy.map(pairName));
  const busyMiners = new Set(busy.map(({ miner }) => miner));
  const tasksAtWork = new Set(busy.map(({ task }) => task));
  const begun: Begin[] = [];
  let room = limits.pairs - busy.length;
  for (const { miner, standing } of view.miners.toSorted((a, b) => a.usedMs - b.usedMs)) {
    if (room <= 0) break;
    if (standing === 'waiting' || busyMiners.has(miner)) continue;
    const mayBegin = (task: string): boolean =>
      (tasksAtWork.has(task) || tasksAtWork.size < limits.tasks) &&
      isDue({ task, miner }, view, busyPairs);
    const task = view.tasks.find(mayBegin);
    if (task === undefined) continue;
    tasksAtWork.add(task);
    room -= 1;
    begun.push({ task, miner, how: standing === 'ready' ? 'evaluate' : 'lose' });
  }
  return begun;
}

/** The name under which a pair is looked up: neither part holds a slash. */
export function pairName({ task, miner }: Pair): string {
  return `${task}/${miner}`;
}

function isDue(
  pair: Pair,
  { settled, notBefore, now }: EvaluationView,
  busy: ReadonlySet<string>,
): boolean {
  const name = pairName(pair);
  return !settled.has(name) && !busy.has(name) && (notBefore.get(name) ?? 0) <= now;
}

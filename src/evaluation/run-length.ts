import { modeOf, turnsOf } from './invocation.ts';
import type { Task } from './task-set.ts';

/** What one turn may take by its task's mode, in milliseconds. */
export type TurnBudgets = Readonly<{ instantMs: number; thinkingMs: number }>;

/** A block of the chain comes every twelve seconds. */
const BLOCK_MS = 12_000;

/** What is left of a run for a commitment that has to be on chain in time; a short run gives as much as it measures. */
const COMMIT_ROOM_BLOCKS = 20;

/** How many miners a validator asks at once, unless its operator says otherwise. */
export const MINERS_AT_ONCE = 8;

/** What a turn of a task may take, in milliseconds. */
export function turnBudgetMs(task: Task, { instantMs, thinkingMs }: TurnBudgets): number {
  return modeOf(task) === 'thinking' ? thinkingMs : instantMs;
}

/**
 * The fewest blocks from a run's snapshot to its commit block: so many that a miner can be asked every task that counts
 * even when it takes all of its time for each turn, one task at a time, and even when it has to wait for its first until
 * all others have taken all of theirs. Of a sample the longest tasks are counted.
 */
export function leastRunBlocks(
  {
    tasks,
    sample,
    members,
  }: Readonly<{ tasks: readonly Task[]; sample: number | null; members: number }>,
  budgets: TurnBudgets,
): number {
  const longest = tasks
    .map((task) => askedTurns(task) * turnBudgetMs(task, budgets))
    .toSorted((a, b) => b - a)
    .slice(0, sample ?? tasks.length);
  const waits = (Math.ceil(members / MINERS_AT_ONCE) - 1) * (longest[0] ?? 0);
  const measuring = Math.ceil((waits + longest.reduce((sum, ms) => sum + ms, 0)) / BLOCK_MS);
  return measuring + Math.min(measuring, COMMIT_ROOM_BLOCKS);
}

function askedTurns(task: Task): number {
  return turnsOf(task).filter(({ assistant }) => assistant === null).length;
}

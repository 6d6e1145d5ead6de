import { sha256 } from '../events/hash.ts';

/**
 * The tasks of a run that count, sorted by id: all, or its sample. Of a sample none counts before the snapshot block
 * that chooses it is known (`blockHash` is null).
 */
export function countingTasks(
  { tasks, sample }: Readonly<{ tasks: readonly string[]; sample: number | null }>,
  blockHash: string | null,
): readonly string[] {
  if (sample !== null && blockHash === null) return [];
  return sampleTasks(tasks, { count: sample, blockHash: blockHash ?? '' });
}

/**
 * The tasks that count in a run: the `count` of them whose SHA-256(block hash ‖ task id) is smallest, the block hash as 64
 * lower-case hex digits and the id in UTF-8; all where `count` is null. Nobody knows them before that block, and
 * everybody finds the same ones. Gives them sorted by id, whatever order they came in.
 */
export function sampleTasks(
  tasks: readonly string[],
  { count, blockHash }: Readonly<{ count: number | null; blockHash: string }>,
): readonly string[] {
  if (count === null) return tasks.toSorted();
  return tasks
    .map((task) => ({ task, rank: sha256(`${blockHash}${task}`) }))
    .toSorted((a, b) => (a.rank < b.rank ? -1 : 1))
    .slice(0, count)
    .map(({ task }) => task)
    .toSorted();
}

import { sha256 } from '../events/hash.ts';

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

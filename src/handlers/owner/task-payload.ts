import type { Task, TaskSet } from '../../evaluation/task-set.ts';

/** What of a task's metadata is the owner's own business. */
const HIDDEN = ['hidden_fixture', 'visibility', 'seed_id', 'topic'];

/** A task as validators get it, in the form of the existing services. */
export function taskPayload(
  task: Task,
  { benchmark_version, rubric_version }: TaskSet,
  run: string,
): Task {
  const shown = Object.entries(task.metadata).filter(([name]) => !HIDDEN.includes(name));
  const added = { owner_frozen: true, run_id: run, benchmark_version, rubric_version };
  return {
    ...task,
    metadata: { ...Object.fromEntries(shown), ...added, evaluation_track: task.family_id },
  };
}

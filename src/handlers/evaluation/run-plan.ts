import { deploymentOf } from '../../evaluation/job-name.ts';
import { canBeJudged } from '../../evaluation/reference.ts';
import type { RosterMember } from '../../evaluation/roster.ts';
import { countingTasks } from '../../evaluation/sample.ts';
import { MAX_TASK_SET_BYTES, type Task, TaskSet } from '../../evaluation/task-set.ts';
import { snapshotOf } from '../../projectors/decisions.ts';
import { acceptedRoster, archivesOf, referencesOf } from '../../projectors/evaluation.ts';
import type { Queries } from '../../projectors/projector.ts';
import type { Run } from '../../projectors/run-state.ts';
import type { BlobStore } from '../blobs.ts';
import type { LoadMembers, Oracles } from './ports.ts';

/** One submission that takes part, with the name of its instance on our machines. */
export type Member = Readonly<{
  miner: string;
  submission: string;
  archive: string;
  manifest: string;
  deployment: string;
}>;

/** What of a run is evaluated: the tasks that count, by their order in the task set, and whose archives are here. */
export type RunPlan = Readonly<{
  family: string;
  run: string;
  tasks: ReadonlyMap<string, Task>;
  /** Those of them that are judged for nobody, because they need oracles and none are configured. */
  noOracle: ReadonlySet<string>;
  members: readonly Member[];
}>;

export type PlanDeps = Readonly<{
  queries: Readonly<{ evaluation: Queries; decisions: Queries }>;
  blobs: Pick<BlobStore, 'get'>;
  loadMembers: LoadMembers;
  /** Null where none are configured. */
  oracles: Oracles | null;
  /** Has the document search know the corpora of a task set; gives why it does not, or null. */
  indexCorpora: (corpora: TaskSet['corpora']) => Promise<string | null>;
  /** The hotkey of this validator. */
  self: string;
}>;

/**
 * The plan of a run, or why there is none yet: its roster, its task set, and with a sample the snapshot whose block
 * chooses the tasks. The task set is read once: its digest names what it is.
 */
export function createPlanner(deps: PlanDeps) {
  const taskSets = new Map<string, TaskSet>();
  return async (
    run: Run,
  ): Promise<Readonly<{ kind: 'ready'; plan: RunPlan } | { kind: 'waiting'; detail: string }>> => {
    const { family, run: id } = run;
    const accepted = await acceptedRoster(deps.queries.evaluation, family, id);
    if (accepted === null) return waiting('no roster was accepted');
    const members = await deps.loadMembers(run);
    if (members === null) return waiting('the roster is not here');
    const snapshot = await snapshotOf(deps.queries.decisions, family, id, 'open');
    if (run.sample !== null && snapshot === null)
      return waiting('the snapshot that chooses the tasks is not taken');
    const taskSet = await loadTaskSet(accepted.taskSet, taskSets, deps);
    if (typeof taskSet === 'string') return waiting(taskSet);
    const counting = new Set(countingTasks(run, snapshot?.blockHash ?? null));
    const tasks = taskSet.tasks.filter(({ task_id }) => counting.has(task_id));
    const plan = {
      family,
      run: id,
      tasks: new Map(tasks.map((task) => [task.task_id, task])),
      noOracle: await withoutOracle(run, tasks, deps),
      members: await membersOf(run, members, deps),
    };
    return { kind: 'ready', plan };
  };
}

async function withoutOracle(
  { family, run }: Run,
  tasks: readonly Task[],
  { queries, oracles }: PlanDeps,
): Promise<ReadonlySet<string>> {
  if (oracles !== null) return new Set();
  const references = await referencesOf(queries.evaluation, family, run);
  const unjudged = tasks.filter(
    (task) => !canBeJudged(task, { oracles: false, made: references.has(task.task_id) }),
  );
  return new Set(unjudged.map(({ task_id }) => task_id));
}

/** Those of the roster whose archive was accepted, sorted by hotkey. */
async function membersOf(
  { family, run }: Run,
  roster: readonly RosterMember[],
  { queries, self }: PlanDeps,
): Promise<readonly Member[]> {
  const accepted = await archivesOf(queries.evaluation, family, run);
  const archives = new Set(accepted.map(({ submission }) => submission));
  return roster
    .filter(({ submission }) => archives.has(submission))
    .map(({ hotkey: miner, submission, archive, manifest }) => ({
      miner,
      submission,
      archive,
      manifest,
      deployment: deploymentOf({ validator: self, family, run, submission, archive }),
    }))
    .toSorted((a, b) => (a.miner < b.miner ? -1 : 1));
}

/** The task set, once miners can find its documents; or why there is none: without them every answer would be wrong. */
async function loadTaskSet(
  digest: string,
  known: Map<string, TaskSet>,
  { blobs, indexCorpora }: Pick<PlanDeps, 'blobs' | 'indexCorpora'>,
): Promise<TaskSet | string> {
  const before = known.get(digest);
  if (before !== undefined) return before;
  const bytes = await blobs.get(digest, MAX_TASK_SET_BYTES);
  if (bytes === null) return 'the task set is not here';
  const taskSet = TaskSet.parse(JSON.parse(new TextDecoder().decode(bytes)));
  if (taskSet.corpora.length > 0) {
    const detail = await indexCorpora(taskSet.corpora);
    if (detail !== null) return `the corpora can't be searched: ${detail}`;
  }
  known.clear(); // one run at a time has tasks
  known.set(digest, taskSet);
  return taskSet;
}

function waiting(detail: string): { kind: 'waiting'; detail: string } {
  return { kind: 'waiting', detail };
}

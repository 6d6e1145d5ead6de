import { deploymentOf } from '../../evaluation/job-name.ts';
import { canBeJudged } from '../../evaluation/reference.ts';
import type { RosterMember } from '../../evaluation/roster.ts';
import { countingTasks } from '../../evaluation/sample.ts';
import { MAX_TASK_SET_BYTES, type Task, TaskSet } from '../../evaluation/task-set.ts';
import { sha256 } from '../../events/hash.ts';
import { snapshotOf } from '../../projectors/decisions.ts';
import { acceptedRoster, archivesOf, referencesOf } from '../../projectors/evaluation-queries.ts';
import type { Queries } from '../../projectors/projector.ts';
import type { Run } from '../../projectors/run-state.ts';
import type { BlobStore } from '../blobs.ts';
import type { SearchedRun } from './keep-corpora.ts';
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
  /** Why no pair may be begun yet; null when they may. Who is at work goes on, and the miners stay. */
  holdup: string | null;
}>;

export type PlanDeps = Readonly<{
  queries: Readonly<{ evaluation: Queries; decisions: Queries }>;
  blobs: Pick<BlobStore, 'get'>;
  loadMembers: LoadMembers;
  /** Null where none are configured. */
  oracles: Oracles | null;
  /** Why a run's documents can't be searched yet; null when they can. */
  whyNotSearchable: (run: SearchedRun) => string | null;
  /** The hotkey of this validator. */
  self: string;
}>;

/** A plan, or why there is none; `running`: members whose names are not known may run all the same. */
type Planned =
  | Readonly<{ kind: 'planned'; plan: RunPlan }>
  | Readonly<{ kind: 'none'; detail: string; running: boolean }>;

/**
 * The plan of a run, or why there is none yet: its roster, its task set, and with a sample the snapshot whose block
 * chooses the tasks. Who takes part is known from the roster alone: a plan whose tasks are held up keeps its miners.
 * The task set is read once: its digest names what it is.
 */
export function createPlanner(deps: PlanDeps) {
  const taskSets = new Map<string, TaskSet>();
  return async (run: Run): Promise<Planned> => {
    const { family, run: id } = run;
    const accepted = await acceptedRoster(deps.queries.evaluation, family, id);
    if (accepted === null)
      return { kind: 'none', detail: 'no roster was accepted', running: false };
    const roster = await deps.loadMembers(run);
    if (roster === null) return { kind: 'none', detail: 'the roster is not here', running: true };
    const members = await membersOf(run, accepted.roster, roster, deps);
    const deployments = roster.map((member) => deploymentIn(run, member, deps));
    const of = { digest: accepted.taskSet, deployments };
    const { tasks, holdup } = await tasksOf(run, of, taskSets, deps);
    const plan = {
      family,
      run: id,
      tasks: new Map(tasks.map((task) => [task.task_id, task])),
      noOracle: await withoutOracle(run, tasks, deps),
      members,
      holdup,
    };
    return { kind: 'planned', plan };
  };
}

/** The tasks that count, as far as they are known, and why none of them may be begun yet; null when they may. */
async function tasksOf(
  run: Run,
  { digest, deployments }: Readonly<{ digest: string; deployments: readonly string[] }>,
  taskSets: Map<string, TaskSet>,
  deps: PlanDeps,
): Promise<Readonly<{ tasks: readonly Task[]; holdup: string | null }>> {
  const snapshot = await snapshotOf(deps.queries.decisions, run.family, run.run, 'open');
  if (run.sample !== null && snapshot === null)
    return { tasks: [], holdup: 'the snapshot that chooses the tasks is not taken' };
  const taskSet = await loadTaskSet(digest, taskSets, deps);
  if (taskSet === null) return { tasks: [], holdup: 'the task set is not here' };
  const counting = new Set(countingTasks(run, snapshot?.blockHash ?? null));
  return {
    tasks: taskSet.tasks.filter(({ task_id }) => counting.has(task_id)),
    holdup: deps.whyNotSearchable({
      run: `${run.family}/${run.run}`,
      deployments,
      corpora: taskSet.corpora,
    }),
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

/**
 * Those of the roster whose archive was accepted, in the order in which they get what there is too little of:
 * by SHA-256(roster digest ‖ validator ‖ hotkey). It is another one in each run and at each validator, and no hotkey
 * can be chosen for it, since the roster is signed after the hotkeys are registered.
 */
async function membersOf(
  run: Run,
  digest: string,
  roster: readonly RosterMember[],
  deps: PlanDeps,
): Promise<readonly Member[]> {
  const { queries, self } = deps;
  const accepted = await archivesOf(queries.evaluation, run.family, run.run);
  const archives = new Set(accepted.map(({ submission }) => submission));
  return roster
    .filter(({ submission }) => archives.has(submission))
    .map((member) => ({
      miner: member.hotkey,
      submission: member.submission,
      archive: member.archive,
      manifest: member.manifest,
      deployment: deploymentIn(run, member, deps),
    }))
    .map((member) => ({ member, rank: sha256(`${digest}${self}${member.miner}`) }))
    .toSorted((a, b) => (a.rank < b.rank ? -1 : 1))
    .map(({ member }) => member);
}

/** The name of a member's instance on our machines, whether its archive is here or not. */
function deploymentIn(
  { family, run }: Run,
  { submission, archive }: RosterMember,
  { self }: Pick<PlanDeps, 'self'>,
): string {
  return deploymentOf({ validator: self, family, run, submission, archive });
}

/** Runs that overlap have a task set each. */
const MAX_TASK_SETS = 4;

/** The task set; null while it is not here. */
async function loadTaskSet(
  digest: string,
  known: Map<string, TaskSet>,
  { blobs }: Pick<PlanDeps, 'blobs'>,
): Promise<TaskSet | null> {
  const before = known.get(digest);
  if (before !== undefined) return before;
  const bytes = await blobs.get(digest, MAX_TASK_SET_BYTES);
  if (bytes === null) return null;
  const taskSet = TaskSet.parse(JSON.parse(new TextDecoder().decode(bytes)));
  if (known.size >= MAX_TASK_SETS) known.clear();
  known.set(digest, taskSet);
  return taskSet;
}

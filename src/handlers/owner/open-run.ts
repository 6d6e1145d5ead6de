import { z } from 'zod';
import type { Signer } from '../../consensus/keys.ts';
import { AppError } from '../../errors.ts';
import { buildRoster, type RosterDraft } from '../../evaluation/build-roster.ts';
import { type RosterMember, sampleFault } from '../../evaluation/roster.ts';
import { leastRunBlocks, type TurnBudgets } from '../../evaluation/run-length.ts';
import type { TaskSet } from '../../evaluation/task-set.ts';
import { MAX_TASKS, Phases } from '../../events/run.ts';
import { Family, Hex32, RunId, runSequence } from '../../events/scalars.ts';
import {
  currentSubmissions,
  newestTaskSet,
  type OwnerRun,
  openRuns,
  ownerRuns,
  type Submission,
  taskSetFamily,
} from '../../projectors/owner-registry.ts';
import type { Queries } from '../../projectors/projector.ts';
import type { BlobStore } from '../blobs.ts';
import type { Recorder } from '../recorder.ts';
import type { Neurons } from './neurons.ts';
import { missing } from './task-sets.ts';

/** What an operator says of a run that is to be opened. */
export const Opening = z.strictObject({
  family: Family,
  /** The next one in the sequence unless it is given: a subnet may go on with the numbers of another service. */
  run: RunId.nullable().default(null),
  phases: Phases,
  sample: z.int().min(1).max(MAX_TASKS).nullable().default(null),
  /** The newest task set of the family unless it is given. */
  taskSet: Hex32.nullable().default(null),
});
export type Opening = z.infer<typeof Opening>;

export type RosterView = Readonly<{
  genesis: string;
  netuid: number;
  /** The newest finalised block. */
  block: number;
  /** The newest run of any family, and the newest of this one: numbers and epochs go up. */
  newest: Pick<OwnerRun, 'run' | 'sequence'> | null;
  newestOfFamily: Pick<OwnerRun, 'epoch'> | null;
  taskSet: Readonly<{ digest: string; set: TaskSet }>;
  members: readonly RosterMember[];
  /** What validators give a miner for one turn. */
  budgets: TurnBudgets;
}>;

/**
 * What the roster of a run says, or `input.invalid`: its number is above every run before it, its phases lie ahead and
 * are long enough for its tasks, its tasks are those of the set, and it has members.
 */
export function decideRoster(opening: Opening, view: RosterView): RosterDraft {
  const { family, phases, sample } = opening;
  const { genesis, netuid, newest, taskSet, members } = view;
  const run = opening.run ?? `run-${newest === null ? 1 : newest.sequence + 1}`;
  if (newest !== null && runSequence(run) <= newest.sequence)
    throw invalid('run', run, `a run after ${newest.run}`);
  if (phases.snapshot <= view.block)
    throw invalid('phases.snapshot', phases.snapshot, `a block after the finalised ${view.block}`);
  const known = sampleFault({ sample, phases }, { block: view.block, by: 'owner' });
  if (known !== null) throw invalid('phases.snapshot', phases.snapshot, known);
  const least = leastRunBlocks(
    { tasks: taskSet.set.tasks, sample, members: members.length },
    view.budgets,
  );
  if (phases.commit - phases.snapshot < least)
    throw invalid(
      'phases.commit',
      phases.commit,
      `${phases.snapshot + least} or later: ${sample ?? taskSet.set.tasks.length} tasks take up to ${least} blocks`,
    );
  if (taskSet.set.family !== family)
    throw invalid('taskSet', taskSet.digest, `a set of ${family}, not of ${taskSet.set.family}`);
  if (members.length === 0)
    throw invalid('members', 0, `a submission of a registered miner for ${family}`);
  const epoch = (view.newestOfFamily?.epoch ?? 0) + 1;
  const tasks = taskSet.set.tasks.map(({ task_id }) => task_id);
  const place = { genesis, netuid, family, run, epoch };
  return { ...place, taskSet: taskSet.digest, sample, phases, tasks, members: [...members] };
}

type OpenRunDeps = Readonly<{
  network: Readonly<{ genesis: string; netuid: number }>;
  signer: Signer;
  registry: Queries;
  blobs: BlobStore;
  readTasks: (digest: string) => Promise<TaskSet>;
  neurons: () => Promise<Neurons>;
  finalizedBlock: () => Promise<number>;
  budgets: TurnBudgets;
  record: Recorder;
}>;

/** What became of an opening; one that comes again finds its run open. */
export type RunOpening = Readonly<{
  opened: boolean;
  family: string;
  run: string;
  roster: string;
  members: number;
}>;

/**
 * Freezes who takes part in a run, signs that, and publishes it with one event. The document lies under its digest
 * before the event names it, and is served after: a crash in between publishes nothing. Throws `input.invalid`, and
 * `chain.unavailable` where nobody can say who is registered.
 */
export async function openRun(opening: Opening, deps: OpenRunDeps): Promise<RunOpening> {
  const { family } = opening;
  const digest = await chooseTaskSet(opening, deps.registry);
  const known = (await openRuns(deps.registry)).find((run) => isSame(run, opening, digest));
  if (known !== undefined)
    return {
      opened: false,
      family,
      run: known.run,
      roster: known.roster,
      members: known.submissions.length,
    };
  const [newest = null] = await ownerRuns(deps.registry, { limit: 1 });
  const [newestOfFamily = null] = await ownerRuns(deps.registry, { family, limit: 1 });
  const draft = decideRoster(opening, {
    ...deps.network,
    block: await deps.finalizedBlock(),
    newest,
    newestOfFamily,
    taskSet: { digest, set: await deps.readTasks(digest) },
    members: await membersOf(family, deps),
    budgets: deps.budgets,
  });
  return publish(draft, deps);
}

async function publish(draft: RosterDraft, deps: OpenRunDeps): Promise<RunOpening> {
  const { bytes, roster, signature } = buildRoster(draft, deps.signer);
  const document = await deps.blobs.put(bytes);
  const { family, run, taskSet, epoch, phases, sample } = draft;
  const tasks = draft.tasks.toSorted();
  const submissions = draft.members.map(({ submission }) => submission);
  const chosen = { taskSet, epoch, phases, sample, tasks, submissions };
  const data = { family, run, roster, document, signature, ...chosen };
  await deps.record([{ type: 'roster.published.v1', data }]);
  return { opened: true, family, run, roster, members: submissions.length };
}

async function chooseTaskSet({ family, taskSet }: Opening, registry: Queries): Promise<string> {
  const chosen = taskSet ?? (await newestTaskSet(registry, family));
  if (chosen !== null && (await taskSetFamily(registry, chosen)) !== null) return chosen;
  throw invalid('taskSet', taskSet ?? 'none', `a set that was published for ${family}`);
}

/** The newest submission of each miner that is registered now. */
async function membersOf(
  family: string,
  { registry, blobs, neurons }: OpenRunDeps,
): Promise<readonly RosterMember[]> {
  const { registered } = await neurons();
  const current = await currentSubmissions(registry, family);
  const taking = current.filter(({ miner }) => registered.has(miner));
  return Promise.all(taking.map((submission) => memberOf(submission, blobs)));
}

/** A manifest's text is bounded where it is taken. */
const MAX_MANIFEST_BYTES = 65_536;

async function memberOf(of: Submission, blobs: BlobStore): Promise<RosterMember> {
  const { miner: hotkey, submission, archive, bytes } = of;
  const manifest = await blobs.get(of.manifest, MAX_MANIFEST_BYTES);
  if (manifest === null) throw missing('manifest', of.manifest);
  return { hotkey, submission, archive, bytes, manifest: Buffer.from(manifest).toString() };
}

function isSame(run: OwnerRun, opening: Opening, taskSet: string): boolean {
  const facts = ({ snapshot, commit, decide, certify }: Phases): string =>
    [snapshot, commit, decide, certify].join();
  return (
    run.family === opening.family &&
    (opening.run === null || opening.run === run.run) &&
    run.taskSet === taskSet &&
    run.sample === opening.sample &&
    facts(run.phases) === facts(opening.phases)
  );
}

function invalid(field: string, value: unknown, expected: string): AppError {
  return new AppError('input.invalid', { field, value, expected });
}

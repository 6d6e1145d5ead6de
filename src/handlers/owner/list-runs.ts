import { NANO } from '../../consensus/nano.ts';
import type { TaskSet } from '../../evaluation/task-set.ts';
import { resultTallies } from '../../projectors/owner-evaluations.ts';
import {
  latestEnded,
  type OwnerRun,
  ownerRuns,
  runsNamed,
  submissionsNamed,
} from '../../projectors/owner-registry.ts';
import type { Queries } from '../../projectors/projector.ts';
import { naiveTime } from './naive-time.ts';
import { type OfficialScore, officialScores } from './pick-winner.ts';

type ListRunsDeps = Readonly<{
  registry: Queries;
  evaluations: Queries;
  readTasks: (digest: string) => Promise<TaskSet>;
  /** The family's share of the weight, in 1e-9. */
  familyShare: number;
}>;

/** How runs, and whom they chose, are told of. */
export function createRunReads(deps: ListRunsDeps) {
  const { registry } = deps;
  return {
    /** The newest run that is open, else the newest of all; null before the first. */
    current: async (family?: string) => {
      const runs = await ownerRuns(registry, { family, limit: NEWEST_RUNS });
      const run = runs.find(({ ended }) => ended === null) ?? runs[0];
      return run === undefined ? null : describeRun(run, deps);
    },
    /** Runs, the newest first. */
    list: async (page: { limit: number; offset: number }) => {
      const runs = await ownerRuns(registry, page);
      return Promise.all(runs.map((run) => describeRun(run, deps)));
    },
    weights: (run?: string) => weightsOf(run, deps),
  };
}

/** An open run is among the newest, unless somebody opens runs and never ends them. */
const NEWEST_RUNS = 50;

/** Blocks come at this pace: enough for a time that people read. */
const BLOCK_MS = 12_000;

/** A run in the form of the existing services. Scores show once it has ended, for nobody may copy them before. */
async function describeRun(run: OwnerRun, deps: ListRunsDeps) {
  const { family, phases, ended, taskSet } = run;
  const tasks = await deps.readTasks(taskSet);
  const scores = ended === null ? [] : await scoresOf(run, deps);
  const length = (phases.commit - phases.snapshot) * BLOCK_MS;
  return {
    run_id: run.run,
    sequence: run.sequence,
    status: ended === null ? ('open' as const) : ('completed' as const),
    benchmark_version: tasks.benchmark_version,
    rubric_version: tasks.rubric_version,
    judge_model: JUDGE,
    started_at: naiveTime(run.time),
    ends_at: naiveTime(ended?.time ?? new Date(Date.parse(run.time) + length).toISOString()),
    closed_at: ended === null ? null : naiveTime(ended.time),
    min_scores: { [family]: 0 },
    evaluation_bundle_summaries: { [family]: { task_count: run.tasks.length, sample: run.sample } },
    evaluation_bundle_artifacts: {
      [family]: { sha256: taskSet, path: `/v1/task-sets/${taskSet}` },
    },
    family_score_summaries: ended === null ? {} : { [family]: scores.map(summaryOf) },
    family_results: ended === null ? {} : { [family]: resultOf(run, ended, scores) },
  };
}

/** The owner judges nothing. */
const JUDGE = 'of each validator';

function summaryOf({ miner, submission, score, validators }: OfficialScore) {
  return {
    miner_hotkey: miner,
    submission_id: submission,
    official_family_score: score / NANO,
    validators,
  };
}

function resultOf(
  { family }: OwnerRun,
  { winner, score, reason }: NonNullable<OwnerRun['ended']>,
  scores: readonly OfficialScore[],
) {
  return {
    family_id: family,
    has_winner: winner !== null,
    // Submissions run at the validators, each of which names its own deployments.
    winner_deployment_id: null,
    winner_submission_id: scores.find(({ miner }) => miner === winner)?.submission ?? null,
    winner_hotkey: winner,
    best_raw_score: (scores[0]?.score ?? 0) / NANO,
    min_score: 0,
    top_deployment_ids: [],
    metadata: {
      reason: reason.replaceAll('-', '_'),
      winner_official_family_score: score === null ? null : score / NANO,
    },
  };
}

/**
 * Whom the newest run that ended chose, or the named one: `ready` is false where there is none, or it is open still, so
 * that nobody burns a share for want of a winner that is to come.
 */
async function weightsOf(named: string | undefined, { registry, familyShare }: ListRunsDeps) {
  const run =
    named === undefined
      ? await latestEnded(registry, {})
      : ((await runsNamed(registry, named)).find(({ ended }) => ended !== null) ?? null);
  if (run === null || run.ended === null)
    return { run_id: null, weights: {}, family_winners: [], ready: false };
  const { winner, score } = run.ended;
  const share = familyShare / NANO;
  return {
    run_id: run.run,
    weights: winner === null ? {} : { [winner]: share },
    family_winners: [
      {
        family_id: run.family,
        winner_hotkey: winner,
        family_weight: share,
        official_family_score: (score ?? 0) / NANO,
      },
    ],
    ready: true,
  };
}

/** The official scores of a run, from all that validators sent of it. */
export async function scoresOf(
  run: OwnerRun,
  { registry, evaluations }: Pick<ListRunsDeps, 'registry' | 'evaluations'>,
): Promise<readonly OfficialScore[]> {
  const members = await submissionsNamed(registry, run.submissions);
  const taskCount = run.sample ?? run.tasks.length;
  return officialScores(members, taskCount, await resultTallies(evaluations, run));
}

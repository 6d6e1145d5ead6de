import { sha256 } from '../../events/hash.ts';
import { DISHONEST, FAMILY, hotkeyOf, MINERS, type Running } from './cast.ts';

const TASKS = Array.from(
  { length: 12 },
  (_, index) => `task-${String(index + 1).padStart(3, '0')}`,
);

/** Blocks of each phase, after the block at which a run is opened. */
const PHASES = { snapshot: 2, commit: 12, decide: 16, certify: 21 };

/** What each run is meant to show, and how good the miners are in it (mean of the judge's figure). */
export const RUNS = [
  {
    sequence: 1,
    title: 'no incumbent yet: the highest median wins',
    quality: [0.82, 0.76, 0.6, 0.55, 0.4, 0.3],
  },
  {
    sequence: 2,
    title: `a challenger is better, but within the margin; ${DISHONEST} shows two different reports`,
    quality: [0.8, 0.83, 0.62, 0.52, 0.41, 0.35],
  },
  {
    sequence: 3,
    title: `a challenger wins by the margin; ${DISHONEST} inflates miner-6 and commits to two different reports`,
    quality: [0.78, 0.88, 0.61, 0.5, 0.43, 0.3],
  },
] as const;
export type PlannedRun = (typeof RUNS)[number];

/** The run in which one validator shows different reports to different peers. */
export const TWO_FACED_RUN = 2;

/** The run in which it inflates a miner, and commits on chain a second time, to another report. */
export const TWICE_COMMITTED_RUN = 3;

/** A run's descriptor, opened at `block`. */
export function runDescriptor({ sequence }: PlannedRun, block: number) {
  const run = `run-${sequence}`;
  return {
    family: FAMILY,
    run,
    roster: sha256(`local subnet roster of ${run}`),
    miners: MINERS.map(hotkeyOf).toSorted(),
    tasks: TASKS,
    phases: {
      snapshot: block + PHASES.snapshot,
      commit: block + PHASES.commit,
      decide: block + PHASES.decide,
      certify: block + PHASES.certify,
    },
  };
}

/**
 * What one validator measured in a run, as lines in the submission format of the existing services:
 * the miners' quality with some noise of its own, here and there a null, a miner's failure, a judge's.
 */
export function resultLines(run: PlannedRun, validator: Running): readonly string[] {
  const lines = TASKS.map((task, index) => {
    const results = MINERS.map((miner, at) =>
      result({ run, validator, task, miner, quality: run.quality[at] ?? 0 }),
    );
    return JSON.stringify({
      run_id: `run-${run.sequence}`,
      family_id: FAMILY,
      task_id: task,
      task_evaluation_id: sha256(`${run.sequence}/${task}`).slice(0, 32),
      baseline_response: null,
      miner_results: results,
      judge_model: 'local subnet',
      oracle_cost_usd: 0.01 * (index + 1),
    });
  });
  // One line is cut short, as after a crash of the tool that wrote it.
  const broken = run.sequence === 1 && validator === 'v2' ? [lines[0]?.slice(0, 120) ?? ''] : [];
  return [...lines, ...broken];
}

type Pair = { run: PlannedRun; validator: Running; task: string; miner: string; quality: number };

function result({ run, validator, task, miner, quality }: Pair) {
  const pair = `${run.sequence}/${validator}/${task}/${miner}`;
  const inflated =
    validator === DISHONEST && run.sequence === TWICE_COMMITTED_RUN && miner === 'miner-6';
  const score = inflated ? 1 : Math.min(1, Math.max(0, quality + 0.1 * (unit(pair) - 0.5)));
  const figure = Math.round(score * 1_000) / 1_000;
  const common = { miner_hotkey: hotkeyOf(miner), miner_citations: [], proxy_cost_usd: 0.002 };
  const judged = {
    ...common,
    miner_response: { task_id: task, status: 'completed' },
    judge_output: { model: 'eiretes_pairwise_judge' },
  };
  if (miner === 'miner-5' && task === 'task-003') {
    return {
      ...common,
      miner_response: { task_id: task, status: 'failed' },
      judge_output: null,
      verdict: 'error',
      agreement_score: 0,
    };
  }
  if (miner === 'miner-4' && task === 'task-005') {
    return {
      ...common,
      miner_response: { task_id: task, status: 'completed' },
      judge_output: null,
      verdict: 'error',
      agreement_score: 0,
    };
  }
  if (miner === 'miner-3' && task === 'task-007')
    return {
      ...judged,
      verdict: 'partially_matches',
      agreement_score: 0.5,
      final_task_score: null,
    };
  return { ...judged, verdict: 'matches', agreement_score: 1, final_task_score: figure };
}

/** A figure in [0, 1) that follows from the text: noise that is the same at every start. */
function unit(text: string): number {
  return Number.parseInt(sha256(text).slice(0, 8), 16) / 2 ** 32;
}

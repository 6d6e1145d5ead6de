import type { RosterDocument } from '../../evaluation/roster.ts';
import { sha256 } from '../../events/hash.ts';
import type { Phases } from '../../events/run.ts';
import { DISHONEST, FAMILY, hotkeyOf } from './cast.ts';
import type { SubmissionKind } from './submissions.ts';

/** Blocks of each phase, after the block at which a run is opened. */
const PHASES = { snapshot: 5, commit: 17, decide: 21, certify: 26 };

/** The miner whose archives come altered: nobody runs them. */
export const ALTERED = 'miner-5';

/** What each run is meant to show, and what miners submit for it. */
export const RUNS: readonly PlannedRun[] = [
  {
    sequence: 1,
    title: 'no incumbent yet: the highest median wins',
    submissions: {
      'miner-1': 'honest',
      'miner-2': 'slow',
      'miner-3': 'wrong',
      'miner-4': 'forger',
      [ALTERED]: 'honest',
    },
  },
  {
    sequence: 2,
    title: `miner-2 is as quick now, but not better by the margin; ${DISHONEST} shows two different reports`,
    submissions: { 'miner-2': 'honest' },
  },
  {
    sequence: 3,
    title: `miner-1 got worse, and miner-2 wins by the margin; ${DISHONEST} inflates miner-4 and commits to two different reports`,
    submissions: { 'miner-1': 'careless' },
  },
];
export type PlannedRun = Readonly<{
  sequence: number;
  title: string;
  submissions: Readonly<Record<string, SubmissionKind>>;
}>;

/** The run in which one validator shows different reports to different peers. */
export const TWO_FACED_RUN = 2;

/** The run in which it inflates a miner, and commits on chain a second time, to another report. */
export const TWICE_COMMITTED_RUN = 3;

/** The phases of a run that is opened at `block`. */
export function phasesFrom(block: number): Phases {
  const { snapshot, commit, decide, certify } = PHASES;
  return {
    snapshot: block + snapshot,
    commit: block + commit,
    decide: block + decide,
    certify: block + certify,
  };
}

/** How the dishonest validator opens a run, which it does not measure: by command, as the owner's roster says. */
export function runDescriptor(
  { sequence }: PlannedRun,
  { signed, members, tasks }: RosterDocument,
  phases: Phases,
) {
  return {
    family: FAMILY,
    run: `run-${sequence}`,
    roster: sha256(signed.body),
    miners: members.map(({ hotkey }) => hotkey),
    tasks,
    phases,
  };
}

/** What the dishonest validator says that it measured, having seen nothing: about what others will say. */
const CLAIMED: Readonly<Record<string, number>> = {
  'miner-1': 0.95,
  'miner-2': 0.9,
  'miner-3': 0.1,
  'miner-4': 0.4,
};

/** Its made-up results, as lines in the submission format of the existing services. */
export function claimedLines(
  { sequence }: PlannedRun,
  tasks: readonly string[],
): readonly string[] {
  return tasks.map((task) =>
    JSON.stringify({
      run_id: `run-${sequence}`,
      family_id: FAMILY,
      task_id: task,
      miner_results: Object.entries(CLAIMED).map(([miner, score]) => ({
        miner_hotkey: hotkeyOf(miner),
        miner_response: { task_id: task, status: 'completed' },
        verdict: 'matches',
        agreement_score: 1,
        final_task_score: sequence === TWICE_COMMITTED_RUN && miner === 'miner-4' ? 1 : score,
      })),
    }),
  );
}

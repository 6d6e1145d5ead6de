import { FAMILY, hotkeyOf, MINERS, type Running } from '#src/cli/subnet/cast.ts';
import { sha256 } from '#src/events/hash.ts';
import type { Phases } from '#src/events/run.ts';
import { writeImport } from '#src/handlers/commands.ts';
import type { LiveSubnet } from './live-subnet.ts';

export const TASKS = ['task-1', 'task-2', 'task-3', 'task-4'];

/**
 * Few blocks for each phase: room for a commitment, and two for each exchange, since the reports of block
 * `commit` + 1 are had at the next.
 */
const QUICK_PHASES: Phases = { snapshot: 1, commit: 6, decide: 9, certify: 12 };

/** After `certify` weights are signed and included, in the next block that is seen, and then looked at. */
export const BLOCKS_TO_SET = 3;

/** What the miners' answers are worth in a run, in the order of `MINERS`; each validator sees it a little differently. */
export type Quality = readonly number[];

/** A run's descriptor, opened at `block`. */
export function liveRun(sequence: number, block: number, phases: Phases = QUICK_PHASES) {
  return {
    family: FAMILY,
    run: `run-${sequence}`,
    roster: sha256(`live roster ${sequence}`),
    miners: MINERS.map(hotkeyOf).toSorted(),
    tasks: TASKS,
    phases: {
      snapshot: block + phases.snapshot,
      commit: block + phases.commit,
      decide: block + phases.decide,
      certify: block + phases.certify,
    },
  };
}

export type LiveRun = ReturnType<typeof liveRun>;

/** What one validator measured, as lines in the submission format of the existing services. */
export function measuredLines(
  { run, tasks }: LiveRun,
  validator: string,
  quality: Quality,
): string[] {
  const noise = (Number.parseInt(sha256(`${run}/${validator}`).slice(0, 4), 16) / 2 ** 16) * 0.02;
  return tasks.map((task) =>
    JSON.stringify({
      run_id: run,
      family_id: FAMILY,
      task_id: task,
      miner_results: MINERS.map((miner, index) => ({
        miner_hotkey: hotkeyOf(miner),
        verdict: 'matches',
        agreement_score: 1,
        final_task_score: Math.round(1_000 * ((quality[index] ?? 0) + noise)) / 1_000,
        judge_output: {},
        miner_response: { status: 'completed' },
      })),
    }),
  );
}

/** Opens a run on every validator, gives each what it measured, and closes it. */
export async function measure(
  subnet: LiveSubnet,
  run: LiveRun,
  quality: Quality,
  names: readonly Running[] = subnet.names,
): Promise<void> {
  for (const name of names) {
    await subnet.command(name, 'runs.open', JSON.stringify(run));
    await subnet.command(name, 'scores.import', writeImport(1, measuredLines(run, name, quality)));
    await subnet.command(name, 'runs.close', JSON.stringify({ family: FAMILY, run: run.run }));
  }
}

/** Block by block, each settled by everybody, up to and with `last`. */
export async function playTo(subnet: LiveSubnet, last: number): Promise<void> {
  while (subnet.chain.block() < last) {
    await subnet.chain.nextBlock();
    await subnet.settled();
  }
}

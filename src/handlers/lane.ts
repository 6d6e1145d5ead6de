import { attemptsOf, latestCommitted, livingExtrinsics } from '../projectors/extrinsics.ts';
import { ownReport } from '../projectors/reports.ts';
import { findRun, type Run, unfinishedRuns } from '../projectors/run-state.ts';
import type { Lane } from './run-progress.ts';
import type { Projections } from './run-view.ts';

/**
 * So many blocks before the commit block weights wait for a commitment: an extrinsic that is signed now
 * may live for 64 blocks before it gives way, and the commitment needs some of its own.
 */
const COMMITMENT_FIRST_BLOCKS = 84;

/**
 * The runs that something is still to be done for, the oldest first: those whose weights are not over, those
 * that ended before an extrinsic of theirs did, and the one whose commitment is anchored again.
 */
export async function runsAtWork(projections: Projections): Promise<readonly Run[]> {
  const unfinished = await unfinishedRuns(projections.runState);
  const anchored = await latestCommitted(projections.extrinsics);
  const onChain = [
    ...(await livingExtrinsics(projections.extrinsics)),
    ...(anchored === null ? [] : [anchored]),
  ];
  const ended: Run[] = [];
  for (const { family, run } of onChain) {
    const found = await findRun(projections.runState, family, run);
    const listed = [...unfinished, ...ended].some((each) => isSame(each, { family, run }));
    if (found !== null && !listed) ended.push(found);
  }
  return [...unfinished, ...ended].toSorted((a, b) => a.sequence - b.sequence);
}

/** What the extrinsics of all runs leave for this one to do: one hotkey has one sequence of nonces. */
export async function laneFor(
  run: Run,
  block: number,
  { commitScores }: Readonly<{ commitScores: boolean }>,
  { projections }: Readonly<{ projections: Projections }>,
): Promise<Lane> {
  const living = await livingExtrinsics(projections.extrinsics);
  const runs = await unfinishedRuns(projections.runState);
  const targets = runs
    .filter(({ sequence, phases }) => sequence > run.sequence && phases.certify > block)
    .map(({ phases }) => phases.certify);
  const committing = commitScores
    ? runs.filter(
        ({ phases: { commit } }) => block < commit && commit - block <= COMMITMENT_FIRST_BLOCKS,
      )
    : [];
  const waiting = await Promise.all(
    committing.map((each) => awaitsCommitment(each, block, projections)),
  );
  return {
    busy: living.length > 0,
    commitmentDue: waiting.includes('now'),
    commitmentAhead: waiting.some((when) => when !== 'never'),
    nextTarget: targets.length === 0 ? null : Math.min(...targets),
  };
}

/** Whether a run's commitment is to be signed: now, once there is a report or another attempt may pass, or never. */
async function awaitsCommitment(
  { family, run, phases }: Run,
  block: number,
  projections: Projections,
): Promise<'now' | 'later' | 'never'> {
  const last = (await attemptsOf(projections.extrinsics, family, run, 'commitment')).at(-1);
  const reported = (await ownReport(projections.reports, family, run)) !== null;
  if (last === undefined) return reported && phases.snapshot <= block ? 'now' : 'later';
  const retryAt = last.settled?.retryAt ?? null;
  if (retryAt === null) return 'never';
  return retryAt <= block ? 'now' : 'later';
}

function isSame(a: Readonly<{ family: string; run: string }>, b: typeof a): boolean {
  return a.family === b.family && a.run === b.run;
}

import type { DomainEvent } from '../../events/catalogue.ts';
import { heldLeases } from '../../projectors/owner-evaluations.ts';
import { type OwnerRun, openRuns, previousWinner } from '../../projectors/owner-registry.ts';
import type { Queries } from '../../projectors/projector.ts';
import { type Recorder, recordInBatches } from '../recorder.ts';
import { scoresOf } from './list-runs.ts';
import { type OwnerPick, pickOf } from './pick-winner.ts';

type EndRunDeps = Readonly<{
  registry: Queries;
  evaluations: Queries;
  /** By how much a challenger has to beat the winner before, in 1e-9. */
  margin: number;
  record: Recorder;
}>;

/**
 * Ends a run: its leases, then the run with the winner that follows from the results. From then on nothing is claimed
 * or taken of it, and its archives and tasks are everybody's. A crash in between ends it again from where it was.
 */
export async function endRun(
  run: OwnerRun,
  { registry, evaluations, margin, record }: EndRunDeps,
): Promise<OwnerPick> {
  const { family, run: name } = run;
  const held = await heldLeases(evaluations, run);
  const ended = held.map(
    ({ evaluation, attempt }): DomainEvent => ({
      type: 'lease.ended.v1',
      data: { family, run: name, evaluation, attempt, reason: 'run-ended' },
    }),
  );
  await recordInBatches(ended, record);
  const previous = await previousWinner(registry, family, run.sequence);
  const pick = pickOf(await scoresOf(run, { registry, evaluations }), { previous, margin });
  await record([{ type: 'run.ended.v1', data: { family, run: name, ...pick } }]);
  return pick;
}

/** The open runs whose commit block is final, the oldest first: no score of them counts any more. */
export async function overdueRuns(registry: Queries, block: number): Promise<readonly OwnerRun[]> {
  return (await openRuns(registry)).filter(({ phases }) => phases.commit <= block);
}

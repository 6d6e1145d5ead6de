import { GATE_WINDOW_RUNS } from '../consensus/gate-figures.ts';
import { compareWithOwner } from '../consensus/owner-comparison.ts';
import { formatRho } from '../consensus/rank-agreement.ts';
import { AppError } from '../errors.ts';
import type { DomainEvent } from '../events/catalogue.ts';
import type { DecisionRecord } from '../events/decision.ts';
import {
  type DivergenceSummary,
  divergenceOf,
  divergenceSummary,
  repeatedOf,
} from '../projectors/divergence.ts';
import type { Fetch } from './ask-peers.ts';
import { fetchOwnerPick } from './observe-owner.ts';
import type { Recorder } from './recorder.ts';
import type { Projections } from './run-view.ts';

type OwnerPick = Extract<DomainEvent, { type: 'owner-pick.observed.v1' }>['data'];

/** Records the comparison, and tells how the gate stands with it. */
export async function recordDivergence(
  decision: DecisionRecord,
  pick: OwnerPick,
  deps: { projections: Projections; record: Recorder },
): Promise<string> {
  await deps.record([compareWithOwner(decision, pick)]);
  return describeGate(
    await divergenceSummary(deps.projections.divergence, decision.family, GATE_WINDOW_RUNS),
  );
}

/** The line that operators know: `shadow divergence over 18 run(s): winner_agreement=94% …`. */
export function describeGate(summary: DivergenceSummary): string {
  const { agreed, compared } = summary.agreement;
  const agreement = compared === 0 ? 'n/a' : `${Math.floor((100 * agreed) / compared)}%`;
  const rho = formatRho(summary.meanRhoMillionths);
  return `shadow divergence over ${summary.recorded} run(s): winner_agreement=${agreement} mean_rank_rho=${rho} missing=${summary.missing}`;
}

/**
 * Compares a run again that was compared before, because its pool was re-armed and the owner picks
 * anew. The first record stands, so that nobody can compare until it agrees; what differs is recorded
 * as repeated. Throws `input.invalid` for a run that was not compared, `command.refused` when the owner
 * gives no pick for it.
 */
export async function compareAgain(
  at: Readonly<{ family: string; run: string; ownerUrl: string | null }>,
  deps: { projections: Projections; fetch: Fetch; record: Recorder; signal: AbortSignal },
): Promise<{ readonly repeated: boolean }> {
  const { family, run } = at;
  const queries = deps.projections.divergence;
  const first = await divergenceOf(queries, family, run);
  if (first === null) {
    throw new AppError('input.invalid', {
      field: 'run',
      value: `${family}/${run}`,
      expected: 'a run that was compared in shadow mode',
    });
  }
  const pick = await fetchOwnerPick(at, deps);
  if ('reason' in pick)
    throw new AppError('command.refused', { owner: at.ownerUrl, reason: pick.reason });
  const known = [first, ...(await repeatedOf(queries, family, run))].map(({ owner }) => owner);
  if (known.includes(pick.evidence)) return { repeated: false };
  await deps.record([
    {
      type: 'divergence.repeated.v1',
      data: { family, run, inputs: first.inputs, owner: pick.evidence },
    },
  ]);
  return { repeated: true };
}

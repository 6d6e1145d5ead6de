import { type Attempt, inclusionsOf } from '../projectors/extrinsics.ts';
import { failuresOf } from './extrinsic-retry.ts';
import { followExtrinsic } from './follow-extrinsic.ts';
import type { Identity, StepDeps } from './perform-step.ts';

/** Follows the newest of a run's attempts for one purpose, which is the only one that can be living. */
export async function followLast(
  attempts: readonly Attempt[],
  block: number,
  { weightInterval }: Pick<Identity, 'weightInterval'>,
  { projections, chain, record }: Pick<StepDeps, 'projections' | 'chain' | 'record'>,
): Promise<string | null> {
  const signed = attempts.at(-1)?.signed ?? null;
  if (signed === null) return null;
  const included = await inclusionsOf(projections.extrinsics, signed);
  return followExtrinsic(
    {
      signed,
      seenIn: new Set(included.map(({ blockHash }) => blockHash)),
      retry: { block, failures: failuresOf(attempts), interval: weightInterval },
    },
    { trace: chain.trace, send: chain.send, record },
  );
}

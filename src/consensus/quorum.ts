import { AppError } from '../errors.ts';
import type { DecisionRecord } from '../events/decision.ts';
import type { Fraction } from '../events/scalars.ts';
import type { Voter } from '../events/snapshot.ts';

/** True when part / total ≥ num / den, by cross-multiplication. Nothing reaches a share of nothing. */
export function reaches(part: bigint, total: bigint, { num, den }: Fraction): boolean {
  return total > 0n && part * BigInt(den) >= total * BigInt(num);
}

/**
 * Whether enough voters reported: their stake over all voters' stake reaches `quorum`, and they belong
 * to at least `minColdkeys` coldkeys. `reporting` holds hotkeys; one that is no voter counts nothing.
 */
export function quorumOf(
  voters: readonly Voter[],
  reporting: ReadonlySet<string>,
  rules: { quorum: Fraction; minColdkeys: number },
): DecisionRecord['quorum'] {
  const present = voters.filter(({ hotkey }) => reporting.has(hotkey));
  const reported = stakeOf(present);
  const total = stakeOf(voters);
  const coldkeys = new Set(present.map(({ coldkey }) => coldkey)).size;
  return {
    reported: String(reported),
    total: String(total),
    coldkeys,
    reached: reaches(reported, total, rules.quorum) && coldkeys >= rules.minColdkeys,
  };
}

/** The sum of the voters' stake, in rao. Throws `input.invalid` when one hotkey would count twice. */
export function stakeOf(voters: readonly { hotkey: string; stake: string }[]): bigint {
  if (new Set(voters.map(({ hotkey }) => hotkey)).size !== voters.length) {
    throw new AppError('input.invalid', {
      field: 'voters',
      value: voters.map(({ hotkey }) => hotkey),
      expected: 'each hotkey once',
    });
  }
  return voters.reduce((sum, { stake }) => sum + BigInt(stake), 0n);
}

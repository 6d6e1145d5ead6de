import type { RulesInForce } from '../../audit/audit-context.ts';
import { formatNano } from '../../consensus/nano.ts';
import type { Rules } from '../../events/decision.ts';

/** The rules that a log decides by, a row for each change: nobody but the reader can tell whether they are agreed. */
export function tellInForce(
  inForce: readonly RulesInForce[],
): readonly (readonly [string, string])[] {
  if (inForce.length === 0) return [['in force', 'no rules: nothing was decided']];
  return inForce.map(
    ({ family, run, n, rules }) =>
      ['in force', `from ${family}/${run}, event ${n}: ${tellRules(rules)}`] as const,
  );
}

/** The rules of a decision in one line. */
export function tellRules(rules: Rules): string {
  const { version, quorum, minerQuorum, minColdkeys, margin, familyShare } = rules;
  const { minVectorLength, certificateQuorum, requireCommitment } = rules;
  return [
    version,
    `quorum ${quorum.num}/${quorum.den}`,
    `of a miner ${minerQuorum.num}/${minerQuorum.den}`,
    `of a certificate ${certificateQuorum.num}/${certificateQuorum.den}`,
    `${minColdkeys} coldkeys at least`,
    `margin ${formatNano(margin)}`,
    `share ${formatNano(familyShare)}`,
    `vectors of ${minVectorLength} entries at least`,
    `commitments ${requireCommitment ? 'required' : 'not required'}`,
  ].join(', ');
}

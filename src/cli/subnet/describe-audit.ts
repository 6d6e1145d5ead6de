import type { AuditedLog, SubnetAudit } from './audit-subnet.ts';
import { DISHONEST } from './cast.ts';

/** The audit of a subnet for people: each log, the run on chain, its reports, the evidence. */
export function describeAudit({ logs, run, bundles, evidence }: SubnetAudit): string {
  return [
    '\naudit: every event of each log hashed, read and computed again, over HTTP, trusting none of them',
    ...logs.map(describeLog),
    `  ${run.run}       on chain as computed again from the logs: ${run.same.join(', ')}`,
    ...bundles.map((bundle) => describeBundle(bundle, run.run)),
    ...evidence.map(({ kind, summary }) => `  evidence    ${kind}, verified offline: ${summary}`),
  ].join('\n');
}

/** The codes that were checked, and each that was not with the reason. */
function describeBundle({ validator, steps }: SubnetAudit['bundles'][number], run: string): string {
  const passed = steps.filter(({ verdict }) => verdict === 'passed').map(({ code }) => code);
  const others = steps
    .filter(({ verdict }) => verdict !== 'passed')
    .map(({ code, verdict, detail }) => `; ${code} ${verdict.replace('-', ' ')}: ${detail}`);
  return `  ${validator.padEnd(11)} its report of ${run} in one file: ${passed.join(' ')} passed${others.join('')}`;
}

function describeLog({ validator, size, rules, chain, asked, faults }: AuditedLog): string {
  const { snapshots, commitments } = chain;
  const compared = [
    `${snapshots.equal} of ${snapshots.checked} snapshots on chain`,
    `${commitments.equal} of ${commitments.checked} reads of commitments on chain`,
    `${asked.anchors?.claims ?? 0} anchors on chain`,
    `${asked.observations?.claims ?? 0} observations of peers`,
    `${asked.witnesses?.claims ?? 0} witnesses`,
  ].join(', ');
  const verdict =
    validator === DISHONEST
      ? `CAUGHT: ${faults.length} accusations, each proved by a file that its peers hold`
      : 'clean';
  return `  ${validator.padEnd(11)} ${verdict}: ${size} events, ${rules.decisions} decisions; compared with ${compared}`;
}

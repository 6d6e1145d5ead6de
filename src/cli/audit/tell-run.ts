import { type ChainLine, tellVector } from '../../audit/compare-run.ts';
import type { RunReport } from '../../audit/run-report.ts';
import { formatNano } from '../../consensus/nano.ts';
import { table } from './tell.ts';
import { tellRules } from './tell-rules.ts';

/** A run for people: who reported what, the medians, the winner and its vector, the certificate, and the chain. */
export function tellRun(report: RunReport, chain: readonly ChainLine[]): string {
  const { family, run, phases, attempts } = report;
  const blocks =
    phases === null ? 'no phases' : Object.entries(phases).map((each) => each.join(' '));
  return [
    `${family}/${run}: ${Array.isArray(blocks) ? blocks.join(', ') : blocks}`,
    '',
    'validators',
    ...validatorsOf(report),
    ...decisionOf(report),
    ...(report.rules === null ? [] : ['', `rules: ${tellRules(report.rules)}`]),
    '',
    table([
      ...report.intents.map(
        ({ mode, reason, winner, vector }) =>
          [
            'intended',
            `${mode}, ${reason}: ${winner ?? 'nobody'}${vector === null ? ', nothing to set' : `, ${tellVector(vector)}`}`,
          ] as const,
      ),
      ...attempts.map(
        ({ purpose, attempt, outcome, block }) =>
          [
            purpose,
            `attempt ${attempt} ${outcome}${block === null ? '' : ` at block ${block}`}`,
          ] as const,
      ),
      ...chain.map(
        ({ about, verdict, detail }) => [`chain`, `${about} ${verdict}: ${detail}`] as const,
      ),
    ]),
    '',
  ].join('\n');
}

function validatorsOf({ validators }: RunReport): readonly string[] {
  const rows = validators.map(({ hotkey, stake, status, reason, report, committed, signed }) => [
    hotkey,
    `${stake} rao`,
    status === null ? 'not decided' : reason === null ? status : `${status}: ${reason}`,
    report === null ? 'no report' : `report ${report.slice(0, 12)}`,
    committed === null ? 'not committed' : `committed at ${committed.block}`,
    signed === null ? 'not signed' : `signed ${signed} outcome`,
  ]);
  return aligned(rows);
}

function decisionOf({ decision, certificate }: RunReport): readonly string[] {
  if (decision === null) return ['', 'no decision'];
  const { quorum, medians, outcome } = decision;
  const certified =
    certificate === null
      ? 'none'
      : certificate === 'missed'
        ? 'missed'
        : `${certificate.signed} of ${certificate.total} rao on ${certificate.outcome}`;
  return [
    '',
    'medians',
    ...aligned(
      medians.map(({ miner, uid, median, stake, status }) => [
        miner,
        uid === null ? 'no uid' : `uid ${uid}`,
        median === null ? 'none' : formatNano(median),
        `${stake} rao`,
        status,
      ]),
    ),
    '',
    table([
      [
        'quorum',
        `${quorum.reported} of ${quorum.total} rao, ${quorum.coldkeys} coldkeys: ${quorum.reached ? 'reached' : 'missed'}`,
      ],
      ['winner', `${outcome.winner?.hotkey ?? 'nobody'} (${outcome.kind}, ${outcome.reason})`],
      ['vector', outcome.vector === null ? 'none' : tellVector(outcome.vector)],
      ['certificate', certified],
    ]),
  ];
}

function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(...rows.map((row) => row[at]?.length ?? 0)),
  );
  return rows.map((row) =>
    `  ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')}`.trimEnd(),
  );
}

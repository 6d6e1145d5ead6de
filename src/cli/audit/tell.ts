import type { LogVerdict } from '../../audit/audit-log.ts';
import type { Fault } from '../../audit/fault.ts';
import type { ServiceLogVerdict } from '../../audit/service-log.ts';
import { type ComparedReports, tellReports } from './compare-reports.ts';
import type { Asked, Outside } from './outside.ts';
import { tellChain } from './tell-chain.ts';
import { tellInForce } from './tell-rules.ts';

/** An audited log for people: what was checked, what was not, and every fault with its place. */
export function tellLog(
  verdict: LogVerdict,
  outside: Outside,
  reports: ComparedReports | null,
  ledger: ServiceLogVerdict | null,
): string {
  const { log, origin, size, root, checkpoint, tiles, rules, faults } = verdict;
  const rows: (readonly [string, string])[] = [
    ['log', log],
    ['origin', origin ?? 'none that can be read'],
    ['checkpoint', CHECKPOINTS[checkpoint]],
    ['events', `${size}, root ${root}`],
    ['rules', rulesOf(verdict)],
    ['tiles', tiles === 0 ? 'not checked: none are served' : `${tiles} compared`],
    ...tellInForce(verdict.inForce),
    ...tellChain(verdict.chain, verdict.events),
    ['anchors', askedOf(outside.anchors, '--rpc')],
    ['peers', askedOf(outside.observations, '--peer')],
    ...tellReports(reports),
    ['witnesses', askedOf(outside.witnesses, '--witness')],
    ['ledger', ledgerOf(ledger, rules)],
    ...(rules.unread === 0
      ? []
      : ([
          ['unread', `${rules.unread} commitments in another form than this build reads`],
        ] as const)),
  ];
  return `${table(rows)}\n${tellFaults(faults)}`;
}

const CHECKPOINTS: Readonly<Record<LogVerdict['checkpoint'], string>> = {
  verified: 'signed by the hotkey in the name, and by the key that the first event names',
  refused: 'refused, see below',
  absent: 'none: nothing says that the log is whole',
};

function rulesOf({ rules, rulesEndAt }: LogVerdict): string {
  const end = rulesEndAt === null ? '' : `, up to event ${rulesEndAt} only`;
  const sealed = rules.sealed === 0 ? '' : `, ${rules.sealed} facts still sealed`;
  return `${rules.runs} runs, ${rules.decisions} decisions computed again${sealed}${end}`;
}

function ledgerOf(ledger: ServiceLogVerdict | null, rules: LogVerdict['rules']): string {
  if (ledger === null) return 'not checked: no --ledger';
  const { beyondLedger } = rules;
  const rest =
    beyondLedger === 0
      ? ''
      : `; ${beyondLedger} pieces of evidence not checked: it ends before them`;
  return `compared with ${ledger.size} events${rest}`;
}

function askedOf(asked: Asked, option: string): string {
  if (asked === null) return `not checked: no ${option}`;
  const notes = asked.notes.map((note) => `; ${note}`).join('');
  return `${asked.claims} compared${notes}`;
}

/** Every fault with its index, what was expected and what was found; or that there is none. */
export function tellFaults(faults: readonly Fault[]): string {
  if (faults.length === 0) return 'clean\n';
  const told = faults.map(({ code, index, where, expected, found }) => {
    const place = [
      ...(index === null ? [] : [`event ${index}`]),
      ...(where === null ? [] : [where]),
    ];
    return `${place.join(', ')}: ${code}\n  expected ${expected}\n  found    ${found}\n`;
  });
  return `${told.join('')}${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}\nnext: docs/auditing.md says what each code means\n`;
}

/** Rows of a name and what there is to say. */
export function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => `${name.padEnd(width)}  ${text}`).join('\n');
}

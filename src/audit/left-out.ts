import type { Verify } from '../consensus/keys.ts';
import { checkReport, type ReportExpectation } from '../consensus/report.ts';
import { encodeDocument } from '../consensus/signed.ts';
import type { ReportInput } from '../events/decision.ts';
import { REPORT_TYPE, type RejectionReason } from '../events/report.ts';
import type { Fault } from './fault.ts';
import type { PeerReport, PeerReports } from './peer-reports.ts';

/** The voters whose report a decision of the log did not count, and what a report of that run has to be. */
export type LeftOut = Readonly<{
  /** The run, as `subjectIn` names it. */
  place: string;
  run: string;
  expected: Omit<ReportExpectation, 'hotkey'>;
  voters: readonly Readonly<{
    hotkey: string;
    status: ReportInput['status'];
    reason: RejectionReason | null;
    digest: string | null;
    /** The event that says so: the refusal, or the inputs of the decision. */
    n: number;
  }>[];
}>;

/** A report that this log did not count, and that another log holds: it verifies, for this run. */
export type ReportDivergence = Readonly<{
  code: 'reports-differ';
  run: string;
  hotkey: string;
  /** The event of this log. */
  index: number;
  said: string;
  digest: string;
  /** The first other log that holds it, and how many do. */
  by: string;
  logs: number;
}>;

/**
 * Compares whose reports a log did not count with what other logs hold of them. That one validator got a report
 * which another did not is no fault. That a log refused the very body that verifies elsewhere, for its content, is one.
 */
export function compareLeftOut(
  leftOut: readonly LeftOut[],
  peers: readonly PeerReports[],
  { verify }: Readonly<{ verify: Verify }>,
): Readonly<{ divergences: readonly ReportDivergence[]; faults: readonly Fault[] }> {
  const divergences: ReportDivergence[] = [];
  const faults: Fault[] = [];
  const held = Map.groupBy(
    peers.flatMap(({ reports }) => reports),
    keyOf,
  );
  for (const { place, run, expected, voters } of leftOut) {
    for (const { hotkey, status, reason, digest, n } of voters) {
      if (!isCompared(reason)) continue;
      const key = `${place}/${hotkey}`;
      if (status === 'excluded' && !peers.some(({ counted }) => counted.has(key))) continue;
      const valid = (held.get(key) ?? []).filter((report) => verifies(report, expected, verify));
      const same = valid.find((report) => report.digest === digest) ?? null;
      const said = reason === null ? status : `${status}, ${reason}`;
      if (same !== null && reason !== null && reason !== 'wrong-digest') {
        faults.push(refusalFault({ n, reason, hotkey }, same));
        continue;
      }
      const [first] = valid;
      if (first === undefined) continue;
      const of = { code: 'reports-differ', run, hotkey, index: n, said } as const;
      divergences.push({ ...of, digest: first.digest, by: first.by, logs: valid.length });
    }
  }
  return { divergences, faults };
}

/** Whether a voter's commitment counts is the chain's word, which is compared with the chain. */
function isCompared(reason: RejectionReason | null): boolean {
  return reason !== 'commitment-missing' && reason !== 'commitment-mismatch';
}

function keyOf({ place, hotkey }: PeerReport): string {
  return `${place}/${hotkey}`;
}

function verifies(
  { hotkey, body, signature }: PeerReport,
  expected: LeftOut['expected'],
  verify: Verify,
): boolean {
  const document = encodeDocument({ alg: 'sr25519', body, hotkey, signature, type: REPORT_TYPE });
  return checkReport(document, { ...expected, hotkey }, verify).kind === 'accepted';
}

function refusalFault(
  { n, reason, hotkey }: Readonly<{ n: number; reason: RejectionReason; hotkey: string }>,
  { by, digest }: PeerReport,
): Fault {
  // The rest of a refusal is of the body alone, which is the same here and there.
  const served = reason === 'bad-signature' || reason === 'wrong-hotkey';
  const or = served
    ? ', unless another signature was served to this validator than to that one'
    : '';
  return {
    code: 'reports-differ',
    index: n,
    where: by,
    expected: `the report ${digest} of ${hotkey}, which verifies`,
    found: `refused for ${reason}${or}`,
  };
}

import { checkReport, type ReportCheck } from '../../consensus/report.ts';
import { encodeDocument } from '../../consensus/signed.ts';
import { REPORT_TYPE } from '../../events/report.ts';
import type { AuditContext } from '../audit-context.ts';
import { type Entry, type RunRecord, votersOf } from '../run-record.ts';

/** A peer's report that was accepted passes every check again, and is the first of its hotkey. */
export function peerReportAccepted(
  { n, data }: Entry<'peer-report.accepted.v1'>,
  run: RunRecord,
  context: AuditContext,
): void {
  checkAgain(n, data, run, context);
  const { start } = context.log;
  // Peers give a validator its own report only where this generation of its log never held it.
  if (data.hotkey === start?.hotkey && start.previous === null)
    context.fault('report-differs', n, 'an own report that follows from the scores', 'a given one');
  if (run.facts.held.some(({ hotkey }) => hotkey === data.hotkey))
    context.fault('inputs-differ', n, `the first report of ${data.hotkey}`, 'a further one');
}

/** A refusal is the log's own word: where it counts in a decision, other logs are asked for what was refused. */
export function peerReportRejected(
  { n, data: { peer, digest } }: Entry<'peer-report.rejected.v1'>,
  { refusedAt }: RunRecord,
): void {
  const key = `${peer}/${digest ?? ''}`;
  if (digest !== null && !refusedAt.has(key)) refusedAt.set(key, n);
}

/** Of one hotkey that signed two reports, the second is valid and another one than the first that is held. */
export function equivocationRecorded(
  { n, data }: Entry<'equivocation.recorded.v1'>,
  run: RunRecord,
  context: AuditContext,
): void {
  checkAgain(n, data, run, context);
  const first = run.facts.held.find(({ hotkey }) => hotkey === data.hotkey);
  if (first?.digest !== data.firstDigest || data.digest === data.firstDigest)
    context.fault(
      'inputs-differ',
      n,
      `another report of ${data.hotkey} than ${first?.digest ?? 'one that is held'}`,
      `${data.digest} beside ${data.firstDigest}`,
    );
}

type Signed = Readonly<{ hotkey: string; body: string; signature: string; digest: string }>;

function checkAgain(
  n: number,
  { hotkey, body, signature, digest }: Signed,
  run: RunRecord,
  { log, verify, fault }: AuditContext,
): void {
  const { opened } = run.facts;
  const { start } = log;
  if (opened === null || start === null) return;
  const document = encodeDocument({ alg: 'sr25519', body, hotkey, signature, type: REPORT_TYPE });
  const voters = new Set(votersOf(run).map((voter) => voter.hotkey));
  const { genesis, netuid } = start;
  const { family, roster, phases } = opened;
  const expected = {
    genesis,
    netuid,
    family,
    run: run.run,
    roster,
    snapshotBlock: phases.snapshot,
    hotkey,
    voters,
  };
  const checked: ReportCheck = checkReport(document, expected, verify);
  if (checked.kind === 'rejected') {
    const code = checked.reason === 'bad-signature' ? 'signature-invalid' : 'inputs-differ';
    fault(code, n, `a report of ${hotkey} for this run`, `${checked.reason}: ${checked.detail}`);
  } else if (checked.digest !== digest) {
    fault('inputs-differ', n, checked.digest, digest);
  }
}

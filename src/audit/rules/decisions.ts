import { verifyCertificate } from '../../consensus/certificate.ts';
import { digestOf, roundOf } from '../../consensus/outcome.ts';
import { stakeOf } from '../../consensus/quorum.ts';
import { encodeDocument } from '../../consensus/signed.ts';
import { buildStatement, checkStatement } from '../../consensus/statement.ts';
import { STATEMENT_TYPE } from '../../events/decision.ts';
import { subjectIn } from '../../events/define-event.ts';
import { encode } from '../../events/ej1.ts';
import type { AuditContext, LogRecord } from '../audit-context.ts';
import { type Again, decideAgain } from '../decision-facts.ts';
import { type Data, type Entry, type RunRecord, votersOf } from '../run-record.ts';

/**
 * A run's inputs are of this log's network, and gathered once, when nothing of the run is sealed any more. Which
 * rules are in force the log says itself; but more than half of the stake has to sign a certificate, without which
 * a validator would certify its own decision alone.
 */
export function inputsGathered(
  { n, data }: Entry<'inputs.gathered.v1'>,
  run: RunRecord,
  { log, fault }: AuditContext,
): void {
  const { start } = log;
  if (start !== null && (data.genesis !== start.genesis || data.netuid !== start.netuid))
    fault(
      'inputs-differ',
      n,
      `inputs of ${start.genesis}, subnet ${start.netuid}`,
      `${data.genesis}, ${data.netuid}`,
    );
  const { num, den } = data.rules.certificateQuorum;
  if (2 * num <= den)
    fault('inputs-differ', n, 'a certificate quorum of more than 1/2', `one of ${num}/${den}`);
  const before = log.inForce.findLast(({ family }) => family === data.family);
  if (before === undefined || encode(before.rules) !== encode(data.rules))
    log.inForce.push({ family: data.family, run: data.run, n, rules: data.rules });
  noteLeftOut(n, data, run, log);
  const sealed = run.sealed.first();
  if (sealed !== null)
    fault(
      'seal-unopened',
      sealed,
      `an opened fact before the run is decided by event ${n}`,
      'a sealed one',
    );
}

/** Keeps whose reports do not count, to be compared with what other logs hold of them. */
function noteLeftOut(
  n: number,
  { genesis, netuid, roster, family, reports }: Data<'inputs.gathered.v1'>,
  run: RunRecord,
  log: LogRecord,
): void {
  const { opened } = run.facts;
  const left = reports.filter(({ status }) => LEFT_OUT.has(status));
  if (left.length === 0 || opened === null) return;
  const voters = new Set(votersOf(run).map(({ hotkey }) => hotkey));
  const snapshotBlock = opened.phases.snapshot;
  log.leftOut.push({
    place: subjectIn(run),
    run: run.run,
    expected: { genesis, netuid, family, run: run.run, roster, snapshotBlock, voters },
    voters: left.map(({ hotkey, status, reason, digest }) => {
      const at = run.refusedAt.get(`${hotkey}/${digest ?? ''}`) ?? n;
      return { hotkey, status, reason, digest, n: at };
    }),
  });
}

/** Two reports of one hotkey are evidence that the log holds itself. */
const LEFT_OUT: ReadonlySet<string> = new Set(['rejected', 'missing', 'excluded']);

/** A decision is what its inputs give, and its inputs are what the events before it give: computed again, in every byte. */
export function decisionMade(
  entry: Entry<'decision.made.v1'>,
  run: RunRecord,
  { log, fault }: AuditContext,
): void {
  log.decisions += 1;
  const again = decideAgain(run.facts, entry.data);
  if (again !== 'equal') fault(CODES[again], entry.n, EXPECTED[again], digestOf(entry.data));
  run.decision = entry;
}

type Differing = Exclude<Again, 'equal'>;
const CODES = {
  'inputs-missing': 'order-broken',
  'inputs-differ': 'inputs-differ',
  'decision-differs': 'decision-differs',
} as const satisfies Record<Differing, string>;
const EXPECTED: Readonly<Record<Differing, string>> = {
  'inputs-missing': 'run.opened and inputs.gathered before a decision',
  'inputs-differ': 'the inputs that the events before it give',
  'decision-differs': 'the decision that its inputs give',
};

/** This validator signs its own decision, and nothing else, once. */
export function decisionSigned(
  { n, data }: Entry<'decision.signed.v1'>,
  run: RunRecord,
  context: AuditContext,
): void {
  const { start } = context.log;
  const decision = run.decision?.data;
  if (decision === undefined) {
    context.fault('order-broken', n, 'a decision before its signature', 'none');
    return;
  }
  if (run.ownStatement)
    context.fault('order-broken', n, 'one signed decision for a run', 'a second one');
  run.ownStatement = true;
  if (start === null) return;
  const { genesis, netuid, hotkey } = start;
  const outcome = digestOf(decision.outcome);
  const { inputs, family } = decision;
  const body = buildStatement({ genesis, netuid, family, run: run.run, hotkey, outcome, inputs });
  if (data.hotkey !== hotkey || data.body !== body)
    context.fault('decision-differs', n, body, data.body);
  takeStatement(n, data, run, context);
}

/** A peer's signed decision passes every check again, and is the first of its hotkey. */
export function peerDecisionAccepted(
  { n, data }: Entry<'peer-decision.accepted.v1'>,
  run: RunRecord,
  context: AuditContext,
): void {
  if (run.statements.has(data.hotkey))
    context.fault('inputs-differ', n, `the first statement of ${data.hotkey}`, 'a further one');
  takeStatement(n, data, run, context);
}

function takeStatement(
  n: number,
  data: Data<'decision.signed.v1'>,
  run: RunRecord,
  { log, verify, fault }: AuditContext,
): void {
  const { hotkey, body, signature } = data;
  if (!run.statements.has(hotkey)) run.statements.set(hotkey, data.outcome);
  const { start } = log;
  if (start === null) return;
  const voters = new Set(votersOf(run).map((voter) => voter.hotkey));
  const { genesis, netuid } = start;
  const document = encodeDocument({
    alg: 'sr25519',
    body,
    hotkey,
    signature,
    type: STATEMENT_TYPE,
  });
  const expected = { genesis, netuid, family: run.family, run: run.run, hotkey, voters };
  const checked = checkStatement(document, expected, verify);
  if (checked.kind === 'rejected') {
    const code = checked.reason === 'bad-signature' ? 'signature-invalid' : 'inputs-differ';
    fault(
      code,
      n,
      `a signed decision of ${hotkey} for this run`,
      `${checked.reason}: ${checked.detail}`,
    );
  } else if (checked.outcome !== data.outcome) {
    fault('inputs-differ', n, checked.outcome, data.outcome);
  }
}

/** A certificate is of this round, and carries valid signatures of enough stake. */
export function certificateBuilt(
  { n, data }: Entry<'certificate.built.v1'>,
  run: RunRecord,
  { verify, fault }: AuditContext,
): void {
  const { certificate, signed, total } = data;
  const { inputs } = run.facts;
  const decision = run.decision?.data;
  if (decision === undefined || inputs === null) {
    fault('order-broken', n, 'a decision before a certificate', 'none');
    return;
  }
  if (run.certificate !== null)
    fault('order-broken', n, 'one certificate for a run', 'a second one');
  run.certificate = data;
  if (roundOf(certificate.outcome) !== roundOf(decision.outcome)) {
    fault('certificate-differs', n, roundOf(decision.outcome), roundOf(certificate.outcome));
    return;
  }
  const { certificateQuorum } = inputs.rules;
  const checked = verifyCertificate(certificate, votersOf(run), certificateQuorum, verify);
  if (checked.kind === 'invalid')
    fault(
      'certificate-differs',
      n,
      'a certificate that verifies',
      `${checked.reason}: ${checked.detail}`,
    );
  else if (String(checked.signed) !== signed || String(checked.total) !== total)
    fault(
      'certificate-differs',
      n,
      `${checked.signed} of ${checked.total} rao`,
      `${signed} of ${total}`,
    );
}

/** A certificate is missed at the certify block, with the stake that signed this validator's own outcome. */
export function certificateMissed(
  { n, data: { block, signed, total } }: Entry<'certificate.missed.v1'>,
  run: RunRecord,
  { fault }: AuditContext,
): void {
  const { opened } = run.facts;
  const decision = run.decision?.data;
  if (decision === undefined || opened === null) {
    fault('order-broken', n, 'a decision before its certificate is missed', 'none');
    return;
  }
  run.certificateMissed = true;
  if (block < opened.phases.certify)
    fault('certificate-differs', n, `block ${opened.phases.certify} or a later one`, String(block));
  const own = digestOf(decision.outcome);
  const voters = votersOf(run);
  const signers = voters.filter(({ hotkey }) => run.statements.get(hotkey) === own);
  const expected = `${stakeOf(signers)} of ${stakeOf(voters)} rao`;
  const found = `${signed} of ${total} rao`;
  if (expected !== found) fault('certificate-differs', n, expected, found);
}

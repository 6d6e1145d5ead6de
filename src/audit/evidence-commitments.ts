import {
  type AnchorText,
  parseAnchor,
  parseCommitment,
  scoreDigest,
} from '../consensus/commitment.ts';
import {
  type CommitmentExtrinsic,
  CommitmentStatement,
  decodeCommitmentExtrinsic,
  verifyCommitmentStatement,
} from '../consensus/commitment-extrinsic.ts';
import type { SignedDocument } from '../consensus/signed.ts';
import type { Json } from '../events/ej1.ts';
import { sha256 } from '../events/hash.ts';
import { ss58PublicKey } from '../events/ss58.ts';
import { networkFault, openReport, reportText, signatureFault } from './evidence-documents.ts';
import {
  type Accusation,
  type EvidenceContext,
  evidenceText,
  issueOf,
  type Refused,
  refused,
} from './evidence-form.ts';

/** The evidence that two commitments of one hotkey to one run are. */
export function evidenceOfCommitments(
  one: CommitmentStatement,
  other: CommitmentStatement,
): string {
  const ordered =
    digestOf(one) < digestOf(other) ? ([one, other] as const) : ([other, one] as const);
  return evidenceText('commitment', ordered);
}

/** The evidence that a report and its author's commitment to another one are. */
export function evidenceOfReportAndCommitment(
  report: SignedDocument,
  commitment: CommitmentStatement,
): string {
  return evidenceText('report-vs-chain', [report, commitment]);
}

/**
 * Proves that a hotkey committed to two reports of one run: two extrinsics that it signed for this network
 * and subnet, whose first fields name one run and different digests; or one digest, and the second fields
 * of one log different salted commitments.
 */
export function checkCommitments(
  [first, second]: readonly [Json, Json],
  context: EvidenceContext,
): Accusation | Refused {
  const one = openCommitment(first, context);
  if (one.kind === 'refused') return one;
  const other = openCommitment(second, context);
  if (other.kind === 'refused') return other;
  const { hotkey } = one.statement;
  const scores = [scoresOf(one), scoresOf(other)] as const;
  if (scores[0] === null || scores[1] === null)
    return refused('no-commitment', 'no run and digest in a first field');
  const { run } = scores[0];
  const fault =
    differentHotkeys(hotkey, other.statement.hotkey) ??
    differentRuns(run, scores[1].run) ??
    contradiction([one, scores[0].digest], [other, scores[1].digest]) ??
    commitmentFault(one, context) ??
    commitmentFault(other, context);
  if (fault !== null) return fault;
  return {
    hotkey,
    family: null,
    run,
    summary: `${hotkey} signed two different commitments to its report of ${run}`,
    says: [commitmentText(one), commitmentText(other)],
  };
}

/**
 * Proves that a hotkey signed a report, and an extrinsic that commits to another report of that run: the
 * digest in its first field is not the report's.
 */
export function checkReportAndCommitment(
  [first, second]: readonly [Json, Json],
  context: EvidenceContext,
): Accusation | Refused {
  const report = openReport(first);
  if (report.kind === 'refused') return report;
  const commitment = openCommitment(second, context);
  if (commitment.kind === 'refused') return commitment;
  const { hotkey, family, run } = report.body;
  const scores = scoresOf(commitment);
  if (scores === null) return refused('no-commitment', 'no run and digest in the first field');
  const fault =
    networkFault(report.body, context) ??
    differentHotkeys(hotkey, commitment.statement.hotkey) ??
    differentRuns(run, scores.run) ??
    sameReport(scores.digest, scoreDigest(report.document.body)) ??
    commitmentFault(commitment, context) ??
    signatureFault([report], context);
  if (fault !== null) return fault;
  return {
    hotkey,
    family,
    run,
    summary: `${hotkey} signed a report of ${family}/${run} that is not the one it committed to`,
    says: [reportText(report), commitmentText(commitment)],
  };
}

/** A commitment as its hotkey signed it, for this subnet; its signature was not looked at. */
export type OpenedCommitment = Readonly<{
  kind: 'opened';
  statement: CommitmentStatement;
  extrinsic: Extract<CommitmentExtrinsic, { kind: 'commitment' }>;
  /** What the second field says of the hotkey's log; null where it says nothing. */
  anchor: AnchorText | null;
}>;

/** Reads a signed commitment to this subnet. */
export function openCommitment(
  json: Json,
  { netuid }: EvidenceContext,
): OpenedCommitment | Refused {
  const parsed = CommitmentStatement.safeParse(json);
  if (!parsed.success) return refused('schema', issueOf(parsed.error));
  const statement = parsed.data;
  const extrinsic = decodeCommitmentExtrinsic(Buffer.from(statement.extrinsic, 'hex'));
  if (extrinsic.kind === 'other') return refused('bad-extrinsic', extrinsic.detail);
  const key = ss58PublicKey(statement.hotkey);
  if (key === null || Buffer.from(key).toString('hex') !== extrinsic.signer)
    return refused('bad-extrinsic', `the signer ${extrinsic.signer} is not ${statement.hotkey}`);
  if (extrinsic.netuid !== netuid)
    return refused('wrong-netuid', `netuid ${extrinsic.netuid} instead of ${netuid}`);
  const text = extrinsic.fields[1] ?? null;
  const anchor = text === null ? null : parseAnchor(text);
  return { kind: 'opened', statement, extrinsic, anchor };
}

/** A refusal where a commitment was not signed by its hotkey, for this network. */
export function commitmentFault(
  { statement }: OpenedCommitment,
  { genesis, ...deps }: EvidenceContext,
): Refused | null {
  if (verifyCommitmentStatement(statement, genesis, deps)) return null;
  return refused('bad-signature', `no extrinsic of ${statement.hotkey} for network ${genesis}`);
}

/** A refusal where two statements are not of one hotkey. */
export function differentHotkeys(one: string, other: string): Refused | null {
  return one === other ? null : refused('different-hotkeys', `${one} and ${other}`);
}

/** What a commitment says, for people. */
export function commitmentText(opened: OpenedCommitment): string {
  const { anchor } = opened;
  const scores = scoresOf(opened);
  const report = scores === null ? [] : [`to report ${scores.digest} of ${scores.run}`];
  const salted = anchor?.commit ? [`salted ${anchor.commit}`] : [];
  const tree = anchor === null ? [] : [`anchoring ${anchor.size} events with root ${anchor.root}`];
  return ['a commitment', ...report, ...salted, ...tree].join(' ');
}

/** The run and digest in the first field; null where it is no commitment to a report. */
function scoresOf({
  extrinsic,
}: OpenedCommitment): Readonly<{ run: string; digest: string }> | null {
  const commitment = parseCommitment(extrinsic.fields[0] ?? '');
  return commitment.kind === 'commitment' ? commitment : null;
}

function digestOf({ extrinsic }: CommitmentStatement): string {
  return sha256(Buffer.from(extrinsic, 'hex'));
}

function differentRuns(one: string, other: string): Refused | null {
  return one === other ? null : refused('different-runs', `${one} and ${other}`);
}

function sameReport(committed: string, signed: string): Refused | null {
  return committed === signed
    ? refused('no-contradiction', `the commitment is to this report, ${signed}`)
    : null;
}

type Digested = readonly [OpenedCommitment, digest: string];

function contradiction([one, digest]: Digested, [other, second]: Digested): Refused | null {
  if (digest === second && !saltedApart(one.anchor, other.anchor))
    return refused('no-contradiction', `both commit to report ${digest}`);
  return digestOf(one.statement) < digestOf(other.statement)
    ? null
    : refused('order', 'the extrinsic with the smaller SHA-256 stands first');
}

/**
 * Whether two anchors of one generation of a log carry different salted commitments. Another generation has
 * another key for its salts, so that only within one they have to agree.
 */
export function saltedApart(one: AnchorText | null, other: AnchorText | null): boolean {
  if (one === null || other === null || one.generation !== other.generation) return false;
  return one.commit !== null && other.commit !== null && one.commit !== other.commit;
}

import {
  type AnchorText,
  commitmentPayload,
  commitmentV2,
  parseAnchor,
  parseCommitment,
  scoreDigest,
} from '../../consensus/commitment.ts';
import {
  type CommitmentExtrinsic,
  decodeCommitmentExtrinsic,
  fieldsOf,
} from '../../consensus/commitment-extrinsic.ts';
import { readCommitmentProof } from '../../consensus/commitment-proof.ts';
import { digestOf } from '../../consensus/outcome.ts';
import { sha256 } from '../../events/hash.ts';
import { ss58PublicKey } from '../../events/ss58.ts';
import { type AuditContext, checkOwnRoot } from '../audit-context.ts';
import type { Attempt, Committed, Entry, Purpose, RunRecord } from '../run-record.ts';

/** An extrinsic is signed as the next attempt, once the one before it has ended, and carries what the event says. */
export function extrinsicSigned(
  entry: Entry<'extrinsic.signed.v1'>,
  run: RunRecord,
  context: AuditContext,
): void {
  const { n, data } = entry;
  const attempts = attemptsOf(run, data.purpose);
  const last = attempts.at(-1);
  if (data.attempt !== attempts.length + 1 || last?.settled === null)
    context.fault(
      'order-broken',
      n,
      `attempt ${attempts.length + 1}, after the one before it ended`,
      `attempt ${data.attempt}`,
    );
  attempts.push({ signed: entry, settled: null });
  const bytes = Buffer.from(data.bytes, 'hex');
  const hash = Buffer.from(context.blake2b256(bytes)).toString('hex');
  if (hash !== data.hash)
    context.fault('commitment-differs', n, `the hash ${hash} of its bytes`, data.hash);
  if (data.purpose === 'weights') weightsSigned(entry, run, context);
  else commitmentSigned(entry, decodeCommitmentExtrinsic(bytes), run, context);
}

/** Weights that are signed are those of an intent. */
function weightsSigned(
  { n, data: { carries } }: Entry<'extrinsic.signed.v1'>,
  { intents }: RunRecord,
  { fault }: AuditContext,
): void {
  const intended = intents.flatMap(({ data: { vector } }) =>
    vector === null ? [] : [digestOf(vector)],
  );
  if (!intended.includes(carries))
    fault('weights-differ', n, intended.join(' or ') || 'an intent before it', carries);
}

/**
 * A commitment is a call for this subnet by this log's hotkey; its first field says what the event says, its
 * second, without which only a commitment near its deadline is made, anchors a tree of this log. What it says of
 * the report is checked once that is open.
 */
function commitmentSigned(
  { n, data }: Entry<'extrinsic.signed.v1'>,
  decoded: CommitmentExtrinsic,
  run: RunRecord,
  context: AuditContext,
): void {
  const { log, fault } = context;
  const { start } = log;
  if (start === null) return;
  if (decoded.kind === 'other') {
    // A later runtime lays extrinsics out in another way: that is told, and is no fault of the log.
    log.unread += 1;
    return;
  }
  const signer = Buffer.from(ss58PublicKey(start.hotkey) ?? []).toString('hex');
  if (decoded.signer !== signer || decoded.netuid !== start.netuid) {
    const expected = `a call of ${start.hotkey} for subnet ${start.netuid}`;
    fault('commitment-differs', n, expected, `key ${decoded.signer}, subnet ${decoded.netuid}`);
  }
  const [scores = null, second = null] = decoded.fields;
  const committed = scores === null ? null : parseCommitment(scores);
  if (committed?.kind !== 'commitment' || committed.run !== run.run) {
    fault('commitment-differs', n, `a commitment of ${run.run} in field 0`, scores ?? 'none');
    return;
  }
  const carried = data.purpose === 'anchor' ? sha256(second ?? '') : committed.digest;
  if (carried !== data.carries) fault('commitment-differs', n, carried, data.carries);
  const anchor = second === null ? null : parseAnchor(second);
  if (anchor !== null) checkAnchor(n, anchor, run, context);
  if (decoded.fields.length > 1 && anchor?.generation !== start.generation) {
    const expected = `an anchor of generation ${start.generation} in field 1`;
    fault('anchor-differs', n, expected, second ?? 'none');
  }
  if (run.reportAt === null)
    fault('commitment-differs', n, `a report of ${run.run} before the commitment to it`, 'none');
  if (run.committed !== null && run.committed !== committed.digest)
    fault('commitment-differs', n, run.committed, committed.digest);
  run.committed = committed.digest;
  const pending = { n, digest: committed.digest, commit: anchor?.commit ?? null };
  if (run.report === null) run.commitments.push(pending);
  else checkCommitment(pending, run, context);
}

/** An anchor is a tree of this log that covers the report and every anchor of the run before it. */
function checkAnchor(n: number, anchor: AnchorText, run: RunRecord, context: AuditContext): void {
  checkOwnRoot(anchor, { n, what: 'the anchor in field 1' }, context);
  const least = Math.max((run.reportAt ?? n) + 1, run.anchoredSize);
  if (anchor.size < least)
    context.fault('anchor-differs', n, `a tree of at least ${least} events`, String(anchor.size));
  run.anchoredSize = anchor.size;
}

/** A commitment is to the report of the run: by its digest, and where it has an anchor salted with the run's key. */
export function checkCommitment(
  { n, digest, commit }: Committed,
  { report, key }: Pick<RunRecord, 'report' | 'key'>,
  { fault }: AuditContext,
): void {
  if (report === null || key === null) return;
  const { body, run } = report.data;
  if (digest !== scoreDigest(body))
    fault('commitment-differs', n, commitmentPayload(run, body), digest);
  const salted = commitmentV2(key, body);
  if (commit !== null && commit !== salted)
    fault('commitment-differs', n, `the salted commitment ${salted}`, commit);
}

/** An extrinsic that is seen in a block was signed as that attempt. */
export function extrinsicIncluded(
  { n, data: { purpose, attempt, hash } }: Entry<'extrinsic.included.v1'>,
  run: RunRecord,
  { fault }: AuditContext,
): void {
  const signed = attemptsOf(run, purpose)[attempt - 1]?.signed?.data;
  if (signed?.hash !== hash)
    fault('order-broken', n, `the extrinsic ${signed?.hash ?? 'that was signed'}`, hash);
}

/** An attempt ends once, as what was signed; one that was refused before is an attempt without an extrinsic. */
export function extrinsicSettled(
  entry: Entry<'extrinsic.settled.v1'>,
  run: RunRecord,
  { fault }: AuditContext,
): void {
  const { n, data } = entry;
  const attempts = attemptsOf(run, data.purpose);
  const last = attempts.at(-1);
  if (data.attempt === attempts.length + 1 && data.hash === null && last?.settled !== null) {
    attempts.push({ signed: null, settled: entry });
    return;
  }
  const signed = last?.signed?.data;
  if (last === undefined || data.attempt !== attempts.length || last.settled !== null) {
    fault('order-broken', n, 'the end of the living attempt', `attempt ${data.attempt}`);
    return;
  }
  if (signed?.hash !== data.hash || signed.carries !== data.carries)
    fault('order-broken', n, `the end of ${signed?.hash ?? 'none'}`, data.hash ?? 'none');
  last.settled = entry;
}

/** A proof that the chain stored the commitment is of this hotkey's slot, and of the fields that it signed. */
export function commitmentProofRead(
  { n, data: { proof } }: Entry<'commitment-proof.read.v1'>,
  run: RunRecord,
  context: AuditContext,
): void {
  const { start } = context.log;
  if (proof === null || start === null) return;
  const read = readCommitmentProof(proof, start, context);
  const signed = attemptsOf(run, 'commitment').at(-1)?.signed?.data.bytes;
  const decoded =
    signed === undefined ? null : decodeCommitmentExtrinsic(Buffer.from(signed, 'hex'));
  // Where nothing was signed the chain held the commitment before; in another layout its fields are not known.
  const fields = decoded?.kind === 'commitment' ? fieldsOf(decoded) : null;
  const expected = fields === null ? 'a proof that verifies' : `the fields ${fields}`;
  if (read.kind === 'fault') context.fault('commitment-differs', n, expected, read.found);
  else if (fields !== null && read.stored.fields !== fields)
    context.fault('commitment-differs', n, expected, read.stored.fields);
}

function attemptsOf(run: RunRecord, purpose: Purpose): Attempt[] {
  const attempts = run.attempts.get(purpose) ?? [];
  run.attempts.set(purpose, attempts);
  return attempts;
}

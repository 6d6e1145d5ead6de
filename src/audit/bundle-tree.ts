import { isAppError } from '../errors.ts';
import { EMPTY, examineEvent } from '../events/decode.ts';
import type { LogStart } from '../events/log-started.ts';
import {
  type Checkpoint,
  isOfSubnet,
  openCheckpoint,
  parseOrigin,
  verdictOfLogLine,
} from '../merkle/checkpoint.ts';
import { verifyInclusion } from '../merkle/proof.ts';
import type { Note } from '../merkle/signed-note.ts';
import { checkPolicy } from '../merkle/tlog-policy.ts';
import { parseTlogProof, type TlogProof } from '../merkle/tlog-proof.ts';
import { leafOf } from '../merkle/tree.ts';
import type { AuditDeps } from './audit-context.ts';
import type { Bundle } from './bundle.ts';
import type { BundledEvent } from './bundle-report.ts';
import {
  type BundleExpectations,
  failed,
  notChecked,
  type Outcome,
  PASSED,
} from './bundle-step.ts';
import { checkStart } from './rules/start.ts';

/** The checkpoint that a bundle's proofs lead to; nulls where it does not verify. */
export type BundledCheckpoint = Readonly<{
  outcome: Outcome;
  checkpoint: Checkpoint | null;
  note: Note | null;
  bytes: Uint8Array;
  proof: TlogProof | null;
  start: Started;
}>;

type Started =
  | Readonly<{ kind: 'started'; start: LogStart }>
  | Readonly<{ kind: 'invalid'; found: string }>;

/** B05: the checkpoint is of a log of the hotkey, on this network and subnet, with both of its own signatures. */
export function checkPublished(
  { event, start: first }: Bundle,
  { hotkey, genesis, netuid }: BundleExpectations,
  { verify }: AuditDeps,
): BundledCheckpoint {
  const proof = proofOf(event.proof);
  const bytes = proof?.checkpoint ?? new Uint8Array(0);
  const nothing = { checkpoint: null, note: null, bytes, proof };
  const unread: Started = { kind: 'invalid', found: 'no checkpoint to hold it against' };
  if (proof === null)
    return { ...nothing, start: unread, outcome: failed('a proof that is no tlog-proof') };
  const opened = openCheckpoint(bytes, { hotkey, verify });
  if (opened.kind === 'refused')
    return { ...nothing, start: unread, outcome: failed(`${opened.reason}: ${opened.detail}`) };
  const { checkpoint, note } = opened;
  const start = startOf(Buffer.from(first.payload, 'base64'), checkpoint.origin, { verify });
  const known = { checkpoint, note, bytes, proof, start };
  if (!isOfSubnet(parseOrigin(checkpoint.origin), { genesis, netuid }))
    return { ...known, outcome: failed(`the log ${checkpoint.origin}`) };
  if (start.kind === 'invalid')
    return { ...known, outcome: notChecked('its log key: the start of the log is not valid') };
  const logKey = Buffer.from(start.start.logKey, 'hex');
  const logLine = verdictOfLogLine(note, checkpoint.origin, logKey);
  const outcome = logLine === 'verified' ? PASSED : failed(`the log key’s line is ${logLine}`);
  return { ...known, outcome };
}

function startOf(payload: Uint8Array, origin: string, deps: Pick<AuditDeps, 'verify'>): Started {
  const examined = examineEvent(payload, origin, EMPTY);
  if (examined.kind === 'refused') return { kind: 'invalid', found: examined.found };
  const { event } = examined.recorded;
  if (event.type !== 'log.started.v1')
    return { kind: 'invalid', found: `a first event of the type ${event.type}` };
  const checked = checkStart(event.data, origin, deps);
  return checked.kind === 'started'
    ? checked
    : { kind: 'invalid', found: `${checked.found} instead of ${checked.expected}` };
}

/** B06: the start is signed by the hotkey, and is the first event of the same tree. */
export function checkLogStart({ start }: Bundle, published: BundledCheckpoint): Outcome {
  if (published.checkpoint === null) return notChecked('there is no checkpoint that verifies');
  if (published.start.kind === 'invalid') return failed(published.start.found);
  const proof = proofOf(start.proof);
  if (proof === null) return failed('a proof that is no tlog-proof');
  if (Buffer.compare(proof.checkpoint, published.bytes) !== 0)
    return failed('its proof leads to another checkpoint');
  return inTree(Buffer.from(start.payload, 'base64'), { index: 0, proof }, published.checkpoint);
}

/** B07: the event stands at its own index of the tree. */
export function checkInclusion({
  event,
  published,
}: Readonly<{ event: BundledEvent; published: BundledCheckpoint }>): Outcome {
  const { checkpoint, proof } = published;
  if (checkpoint === null || proof === null)
    return notChecked('there is no checkpoint that verifies');
  if (event.n === null) return notChecked('the event can’t be read');
  if (event.source !== checkpoint.origin) return failed(`an event of the log ${event.source}`);
  return inTree(event.payload, { index: event.n, proof }, checkpoint);
}

function inTree(
  payload: Uint8Array,
  { index, proof }: Readonly<{ index: number; proof: TlogProof }>,
  { size, root }: Checkpoint,
): Outcome {
  if (proof.index !== index) return failed(`a proof for index ${proof.index}, not ${index}`);
  const leaf = leafOf(payload);
  return verifyInclusion({ leaf, index, size, proof: proof.proof, root })
    ? PASSED
    : failed(`event ${index} is not in the tree of ${size} events`);
}

/** B08: the verifier's own policy holds, and no cosignature is from the future. */
export function checkWitnesses(
  { note, bytes }: BundledCheckpoint,
  { policy, now }: BundleExpectations,
): Outcome {
  if (policy === null) return notChecked('no policy was given: --policy FILE');
  if (note === null) return notChecked('there is no checkpoint that verifies');
  const verdict = checkPolicy(policy, bytes);
  if (verdict.kind === 'refused') return failed(`the policy is not met: ${verdict.reason}`);
  const { cosignedAt } = verdict;
  if (cosignedAt !== null && cosignedAt > now)
    return failed(`a cosignature of ${cosignedAt} s since 1970, and it is ${now} s`);
  return PASSED;
}

function proofOf(text: string): TlogProof | null {
  try {
    return parseTlogProof(Buffer.from(text, 'utf8'));
  } catch (error) {
    if (isAppError(error, 'checkpoint.invalid')) return null;
    throw error;
  }
}

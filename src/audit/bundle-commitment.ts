import {
  type AnchorText,
  commitmentV2,
  parseAnchor,
  parseCommitment,
  scoreDigest,
} from '../consensus/commitment.ts';
import { decodeCommitmentExtrinsic, fieldsOf } from '../consensus/commitment-extrinsic.ts';
import { commitmentKey, readCommitmentProof } from '../consensus/commitment-proof.ts';
import { parseOrigin } from '../merkle/checkpoint.ts';
import { verifyConsistency } from '../merkle/proof.ts';
import { sameHash } from '../merkle/tree.ts';
import type { AuditDeps } from './audit-context.ts';
import type { Bundle } from './bundle.ts';
import { bodyOf } from './bundle-report.ts';
import {
  type BundleExpectations,
  failed,
  NO_COMMITMENT,
  notChecked,
  type Outcome,
  PASSED,
} from './bundle-step.ts';
import type { BundledCheckpoint } from './bundle-tree.ts';

/** What a commitment's extrinsic says, whoever signed it. */
export type BundledCommitment = Readonly<{
  netuid: number;
  run: string;
  digest: string;
  /** Its first field, and what that of any commitment to the run begins with. */
  text: string;
  prefix: string;
  /** All of its fields in SCALE, lower-case hex. */
  fields: string;
  anchor: AnchorText | null;
}>;

/** The commitment of a bundle; null where there is none, or none that can be read. */
export function committedIn({ commitment }: Bundle): BundledCommitment | null {
  if (commitment === null) return null;
  const bytes = Buffer.from(commitment.statement.extrinsic, 'hex');
  const decoded = decodeCommitmentExtrinsic(bytes);
  if (decoded.kind === 'other') return null;
  const [text = null, second = null] = decoded.fields;
  const scores = text === null ? null : parseCommitment(text);
  if (text === null || scores?.kind !== 'commitment') return null;
  const { run, digest } = scores;
  const anchor = second === null ? null : parseAnchor(second);
  const prefix = text.slice(0, -digest.length);
  return { netuid: decoded.netuid, run, digest, text, prefix, fields: fieldsOf(decoded), anchor };
}

/** B09: both digests of the commitment are of this report, the second one salted with the run's key. */
export function checkCommitted(
  { report, opening, commitment }: Bundle,
  committed: BundledCommitment | null,
): Outcome {
  if (commitment === null) return NO_COMMITMENT;
  if (committed === null) return failed('an extrinsic that is no commitment to scores');
  const run = bodyOf(report.body)?.run;
  if (committed.run !== run) return failed(`a commitment to ${committed.run}, not to ${run}`);
  const digest = scoreDigest(report.body);
  if (committed.digest !== digest)
    return failed(`field 0 commits to ${committed.digest}, not to ${digest}`);
  const salted = commitmentV2(opening.key, report.body);
  const commit = committed.anchor?.commit ?? null;
  if (commit === null || commit === salted) return PASSED;
  return failed(`field 1 commits to ${commit}, not to ${salted}`);
}

/**
 * B11: the state of a block, to which its header commits, holds these very fields in the hotkey's slot, as made in the
 * block that the file names. That the header is of a final block is another question (B12).
 */
export function checkStored(
  { commitment }: Bundle,
  committed: BundledCommitment | null,
  { hotkey, netuid }: Pick<BundleExpectations, 'hotkey' | 'netuid'>,
  deps: Pick<AuditDeps, 'blake2b256'>,
): Outcome {
  if (commitment === null) return NO_COMMITMENT;
  const { block, readProof } = commitment;
  if (readProof.kind === 'missing') return notChecked(readProof.detail);
  const key = commitmentKey({ netuid, hotkey });
  if (readProof.key !== key) return failed(`a proof of the key ${readProof.key}, not of ${key}`);
  const read = readCommitmentProof(readProof, { netuid, hotkey }, deps);
  if (read.kind === 'fault') return failed(read.found);
  const { stored } = read;
  if (stored.block > stored.at)
    return failed(`a commitment of block ${stored.block} in the state of block ${stored.at}`);
  if (stored.block !== block)
    return failed(`the slot is of block ${stored.block}, the file names block ${block}`);
  return stored.fields === committed?.fields
    ? PASSED
    : failed('other fields in the slot than in the extrinsic');
}

/** B14: the tree that the commitment anchors grew into the one of the checkpoint. */
export function checkAnchored(
  bundle: Bundle,
  {
    commitment,
    published,
  }: Readonly<{ commitment: BundledCommitment | null; published: BundledCheckpoint }>,
): Outcome {
  if (bundle.commitment === null) return NO_COMMITMENT;
  const anchor = commitment?.anchor ?? null;
  if (anchor === null) return notChecked('the commitment anchors no tree');
  const { checkpoint } = published;
  if (checkpoint === null) return notChecked('there is no checkpoint that verifies');
  const generation = parseOrigin(checkpoint.origin)?.generation;
  if (anchor.generation !== generation)
    return failed(`an anchor of generation ${anchor.generation}, a log of ${generation}`);
  const root = Buffer.from(anchor.root, 'hex');
  if (anchor.size === checkpoint.size)
    return sameHash(root, checkpoint.root) ? PASSED : failed('another root of the same size');
  const { consistency } = bundle.commitment;
  if (consistency === null)
    return notChecked('the file holds no proof that the one grew into the other');
  const proof = consistency.map((hash) => Buffer.from(hash, 'base64'));
  return verifyConsistency({ from: { size: anchor.size, root }, to: checkpoint, proof })
    ? PASSED
    : failed(`the anchored tree of ${anchor.size} events is not the beginning of the log`);
}

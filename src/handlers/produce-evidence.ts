import { checkEvidence } from '../audit/evidence.ts';
import {
  evidenceOfCheckpointAndAnchor,
  evidenceOfCheckpoints,
} from '../audit/evidence-checkpoints.ts';
import {
  evidenceOfCommitments,
  evidenceOfReportAndCommitment,
  saltedApart,
} from '../audit/evidence-commitments.ts';
import { evidenceOfReports, evidenceOfRosters } from '../audit/evidence-documents.ts';
import type { EvidenceContext } from '../audit/evidence-form.ts';
import { forkProof, type Prefix, type SizedTree } from '../audit/fork-proof.ts';
import type { Chain } from '../chain/chain.ts';
import {
  type AnchorText,
  parseAnchor,
  parseCommitment,
  scoreDigest,
} from '../consensus/commitment.ts';
import type { CommitmentStatement } from '../consensus/commitment-extrinsic.ts';
import type { SignedDocument } from '../consensus/signed.ts';
import { isAppError } from '../errors.ts';
import { hotkeyVerifierKey, parseCheckpoint } from '../merkle/checkpoint.ts';
import { linesOf, type Note, parseNote } from '../merkle/signed-note.ts';
import type { ReadTile } from '../merkle/tile-proof.ts';
import { sameHash } from '../merkle/tree.ts';

/** A checkpoint as it was served, and where the tiles of its tree are, if anywhere. */
type ShownCheckpoint = Readonly<{ note: Uint8Array; tiles: ReadTile | null }>;

/** Something that no honest validator does, and where its two halves are. */
export type Finding =
  | Readonly<{ kind: 'report'; documents: readonly [SignedDocument, SignedDocument] }>
  | Readonly<{ kind: 'roster'; documents: readonly [SignedDocument, SignedDocument] }>
  /** Two commitments to one run, in these blocks. */
  | Readonly<{ kind: 'commitment'; hotkey: string; run: string; blocks: readonly number[] }>
  /** A report that is not the one that its author committed to in this block. */
  | Readonly<{ kind: 'report-vs-chain'; document: SignedDocument; run: string; block: number }>
  | Readonly<{ kind: 'checkpoint'; checkpoints: readonly [ShownCheckpoint, ShownCheckpoint] }>
  /** A checkpoint that does not fit to what its log's hotkey anchored in this block. */
  | Readonly<{
      kind: 'checkpoint-vs-anchor';
      hotkey: string;
      block: number;
      checkpoint: ShownCheckpoint;
      /** Where the tiles of the anchored tree are, if anywhere. */
      tiles: ReadTile | null;
    }>;

type Deps = EvidenceContext & Pick<Chain, 'commitmentExtrinsics'>;

/**
 * The evidence file of a finding, which everybody accepts as it stands: it was checked. Null when there is
 * none now: the chain does not answer, or what was committed was not signed by the hotkey itself, or the
 * larger of two trees is not served. A fork that is not proved by one checkpoint is by a later, larger one.
 * What a tile reader throws is thrown.
 */
export async function produceEvidence(finding: Finding, deps: Deps): Promise<string | null> {
  const text = await build(finding, deps);
  return text !== null && checkEvidence(text, deps).kind === 'proved' ? text : null;
}

async function build(finding: Finding, deps: Deps): Promise<string | null> {
  switch (finding.kind) {
    case 'report':
      return evidenceOfReports(...finding.documents);
    case 'roster':
      return evidenceOfRosters(...finding.documents);
    case 'commitment':
      return ofCommitments(finding, deps);
    case 'report-vs-chain':
      return ofReport(finding, deps);
    case 'checkpoint':
      return ofCheckpoints(finding.checkpoints);
    case 'checkpoint-vs-anchor':
      return ofAnchor(finding, deps);
  }
}

/** A commitment that its hotkey signed, as far as its fields are of ours. */
type Committed = Readonly<{
  statement: CommitmentStatement;
  run: string | null;
  digest: string | null;
  anchor: AnchorText | null;
}>;

/** The commitments that a hotkey signed in these blocks; none where the chain does not tell. */
async function committed(
  hotkey: string,
  blocks: readonly number[],
  { commitmentExtrinsics }: Deps,
): Promise<readonly Committed[]> {
  const read = await commitmentExtrinsics(hotkey, blocks);
  if (!read.known) return [];
  return read.value.flatMap((each) => {
    if (each.kind === 'not-portable') return [];
    const [scores, log] = each.fields;
    const parsed = parseCommitment(scores ?? '');
    const { run, digest } = parsed.kind === 'commitment' ? parsed : { run: null, digest: null };
    return [{ statement: each.statement, run, digest, anchor: parseAnchor(log ?? '') }];
  });
}

async function ofCommitments(
  { hotkey, run, blocks }: Extract<Finding, { kind: 'commitment' }>,
  deps: Deps,
): Promise<string | null> {
  const all = (await committed(hotkey, blocks, deps)).filter((each) => each.run === run);
  const pair =
    firstPair(all, (one, other) => one.digest !== other.digest) ??
    firstPair(all, (one, other) => saltedApart(one.anchor, other.anchor));
  return pair === null ? null : evidenceOfCommitments(pair[0].statement, pair[1].statement);
}

async function ofReport(
  { document, run, block }: Extract<Finding, { kind: 'report-vs-chain' }>,
  deps: Deps,
): Promise<string | null> {
  const digest = scoreDigest(document.body);
  const other = (await committed(document.hotkey, [block], deps)).find(
    (each) => each.run === run && each.digest !== digest,
  );
  return other === undefined ? null : evidenceOfReportAndCommitment(document, other.statement);
}

async function ofCheckpoints(
  checkpoints: readonly [ShownCheckpoint, ShownCheckpoint],
): Promise<string | null> {
  const [one, other] = [open(checkpoints[0]), open(checkpoints[1])];
  if (one === null || other === null) return null;
  const prefixes = await comparing(one, other);
  if (prefixes === null) return null;
  return evidenceOfCheckpoints(
    { note: one.note, prefix: prefixes[0] },
    { note: other.note, prefix: prefixes[1] },
  );
}

async function ofAnchor(
  { hotkey, block, checkpoint, tiles }: Extract<Finding, { kind: 'checkpoint-vs-anchor' }>,
  deps: Deps,
): Promise<string | null> {
  const shown = open(checkpoint);
  if (shown === null) return null;
  for (const { statement, anchor } of await committed(hotkey, [block], deps)) {
    if (anchor === null) continue;
    const anchored = { size: anchor.size, root: Buffer.from(anchor.root, 'hex'), tiles };
    const prefixes = await comparing(shown, anchored);
    if (prefixes === null) continue;
    return evidenceOfCheckpointAndAnchor(
      { note: shown.note, prefix: prefixes[0] },
      { commitment: statement, prefix: prefixes[1] },
    );
  }
  return null;
}

type Tiled = SizedTree & Readonly<{ tiles: ReadTile | null }>;

/** What shows that two trees are not those of one log, beside each of them; null when nothing does. */
async function comparing(
  one: Tiled,
  other: Tiled,
): Promise<readonly [Prefix | null, Prefix | null] | null> {
  if (one.size === other.size) return sameHash(one.root, other.root) ? null : [null, null];
  const [smaller, larger] = one.size < other.size ? [one, other] : [other, one];
  if (larger.tiles === null) return null;
  const prefix = await forkProof(smaller, { ...larger, read: larger.tiles });
  if (prefix === null) return null;
  return larger === one ? [prefix, null] : [null, prefix];
}

/** What a served checkpoint stands for; null for bytes that are none, or without a line in its hotkey's name. */
function open({ note: bytes, tiles }: ShownCheckpoint): (Tiled & { note: Note }) | null {
  try {
    const note = parseNote(bytes);
    const { origin, size, root } = parseCheckpoint(note.text);
    const key = hotkeyVerifierKey(origin);
    return key !== null && linesOf(note, key).length > 0 ? { note, size, root, tiles } : null;
  } catch (error) {
    if (isAppError(error, 'checkpoint.invalid')) return null;
    throw error;
  }
}

function firstPair<T>(
  all: readonly T[],
  differ: (one: T, other: T) => boolean,
): readonly [T, T] | null {
  for (const [at, one] of all.entries()) {
    const other = all.slice(at + 1).find((each) => differ(one, each));
    if (other !== undefined) return [one, other];
  }
  return null;
}

import { z } from 'zod';
import { CommitmentStatement } from '../consensus/commitment-extrinsic.ts';
import { MAX_NOTE_LENGTH } from '../events/checkpoint.ts';
import type { Json } from '../events/ej1.ts';
import { sha256 } from '../events/hash.ts';
import { genesis8Of } from '../events/source.ts';
import {
  type Checkpoint,
  hotkeyVerifierKey,
  openCheckpoint,
  parseOrigin,
} from '../merkle/checkpoint.ts';
import { formatNote, linesOf, type Note } from '../merkle/signed-note.ts';
import { hexOf, sameHash } from '../merkle/tree.ts';
import {
  commitmentFault,
  commitmentText,
  differentHotkeys,
  openCommitment,
} from './evidence-commitments.ts';
import {
  type Accusation,
  type EvidenceContext,
  evidenceText,
  issueOf,
  type Refused,
  refused,
} from './evidence-form.ts';
import { Prefix, rootOfPrefix, type SizedTree } from './fork-proof.ts';

/**
 * Beside the larger of two trees: what it was at the other's size. Null beside the smaller one, and beside
 * trees of one size. That is enough, and unlike two leaves with a proof in each it needs nothing of the
 * smaller tree but its root: of a history that was shown once, a cheat serves no tiles.
 */
const WithPrefix = { prefix: Prefix.nullable() };
const NoteStatement = z.strictObject({ ...WithPrefix, note: z.string().max(MAX_NOTE_LENGTH) });
const AnchorStatement = z.strictObject({ ...WithPrefix, commitment: CommitmentStatement });

type Shown<Statement> = Statement & Readonly<{ prefix: Prefix | null }>;

/**
 * The evidence that two checkpoints of one log are. Only the hotkey's line of each is kept. Throws
 * `checkpoint.invalid` for a note that has none.
 */
export function evidenceOfCheckpoints(
  one: Shown<{ note: Note }>,
  other: Shown<{ note: Note }>,
): string {
  const ordered = sha256(one.note.text) < sha256(other.note.text) ? [one, other] : [other, one];
  const [first, second] = ordered.map(noteStatement) as [Json, Json]; // safe: map keeps the length
  return evidenceText('checkpoint', [first, second]);
}

/** The evidence that a checkpoint and an anchor of one log are. Throws as above. */
export function evidenceOfCheckpointAndAnchor(
  checkpoint: Shown<{ note: Note }>,
  { commitment, prefix }: Shown<{ commitment: CommitmentStatement }>,
): string {
  return evidenceText('checkpoint-vs-anchor', [noteStatement(checkpoint), { commitment, prefix }]);
}

/**
 * Proves that a hotkey signed two checkpoints of one log that no log can have both of: of one size with
 * different roots; or of different sizes, where the larger tree is shown to have had another root at the
 * size of the smaller one.
 */
export function checkCheckpoints(
  [first, second]: readonly [Json, Json],
  context: EvidenceContext,
): Accusation | Refused {
  const one = openNote(first, context);
  if (one.kind === 'refused') return one;
  const other = openNote(second, context);
  if (other.kind === 'refused') return other;
  const { origin } = one.checkpoint;
  const fault =
    sameLog(origin, other.checkpoint.origin) ??
    contradiction(treeOf(one), treeOf(other)) ??
    ordered(one, other) ??
    noteFault(one, context) ??
    noteFault(other, context);
  if (fault !== null) return fault;
  return {
    hotkey: one.hotkey,
    family: null,
    run: null,
    summary: `${one.hotkey} signed two histories of its log ${origin}`,
    says: [noteText(one), noteText(other)],
  };
}

/** Proves the same of a checkpoint and of the tree that the hotkey anchored on chain for that generation of its log. */
export function checkCheckpointAndAnchor(
  [first, second]: readonly [Json, Json],
  context: EvidenceContext,
): Accusation | Refused {
  const note = openNote(first, context);
  if (note.kind === 'refused') return note;
  const parsed = AnchorStatement.safeParse(second);
  if (!parsed.success) return refused('schema', issueOf(parsed.error));
  const commitment = openCommitment(parsed.data.commitment, context);
  if (commitment.kind === 'refused') return commitment;
  const { anchor } = commitment;
  if (anchor === null) return refused('no-anchor', 'no tree in the second field');
  const { hotkey, generation } = note;
  const { prefix } = parsed.data;
  const anchored = { size: anchor.size, root: Buffer.from(anchor.root, 'hex'), prefix };
  const fault =
    differentHotkeys(hotkey, commitment.statement.hotkey) ??
    sameLog(`generation ${generation}`, `generation ${anchor.generation}`) ??
    contradiction(treeOf(note), anchored) ??
    noteFault(note, context) ??
    commitmentFault(commitment, context);
  if (fault !== null) return fault;
  return {
    hotkey,
    family: null,
    run: null,
    summary: `${hotkey} anchored another history of its log than the one in its checkpoint`,
    says: [noteText(note), commitmentText(commitment)],
  };
}

type OpenedNote = Shown<
  Readonly<{
    kind: 'opened';
    note: string;
    text: string;
    checkpoint: Checkpoint;
    hotkey: string;
    generation: number;
  }>
>;

/** Reads a checkpoint of a log of this network and subnet, with one line, in the hotkey's name; its signature is not looked at. */
function openNote(json: Json, { genesis, netuid }: EvidenceContext): OpenedNote | Refused {
  const parsed = NoteStatement.safeParse(json);
  if (!parsed.success) return refused('schema', issueOf(parsed.error));
  const { note, prefix } = parsed.data;
  const log = parseOrigin(note.slice(0, note.indexOf('\n')));
  if (log === null) return refused('bad-note', 'its first line names no log of ours');
  const { hotkey, generation } = log;
  const opened = openCheckpoint(Buffer.from(note, 'utf8'), { hotkey, verify: () => true });
  if (opened.kind === 'refused') return refused('bad-note', `${opened.reason}: ${opened.detail}`);
  if (opened.note.signatures.length > 1) return refused('bad-note', "lines beside the hotkey's");
  if (log.genesis8 !== genesis8Of(genesis))
    return refused('wrong-network', `genesis ${log.genesis8}… instead of ${genesis}`);
  if (log.netuid !== netuid)
    return refused('wrong-netuid', `netuid ${log.netuid} instead of ${netuid}`);
  const { text } = opened.note;
  const { checkpoint } = opened;
  return { kind: 'opened', note, text, checkpoint, hotkey, generation, prefix };
}

function noteFault({ note, hotkey }: OpenedNote, { verify }: EvidenceContext): Refused | null {
  const opened = openCheckpoint(Buffer.from(note, 'utf8'), { hotkey, verify });
  return opened.kind === 'opened' ? null : refused('bad-signature', opened.detail);
}

function sameLog(one: string, other: string): Refused | null {
  return one === other ? null : refused('different-logs', `${one} and ${other}`);
}

function ordered(one: OpenedNote, other: OpenedNote): Refused | null {
  return sha256(one.text) < sha256(other.text)
    ? null
    : refused('order', 'the text with the smaller SHA-256 stands first');
}

function treeOf({ checkpoint: { size, root }, prefix }: OpenedNote): Shown<SizedTree> {
  return { size, root, prefix };
}

/** Why two trees can be those of one growing log, as far as is shown; null when they cannot. */
function contradiction(one: Shown<SizedTree>, other: Shown<SizedTree>): Refused | null {
  const [smaller, larger] = one.size < other.size ? [one, other] : [other, one];
  const { size, root } = smaller;
  if (smaller.prefix !== null || (size === larger.size && larger.prefix !== null))
    return refused('proof-needless', `of two trees the larger shows what it was at size ${size}`);
  if (size === larger.size)
    return sameHash(root, larger.root)
      ? refused('no-contradiction', `both have that root at size ${size}`)
      : null;
  if (larger.prefix === null)
    return refused('proof-missing', `what the tree of ${larger.size} leaves was at size ${size}`);
  const former = rootOfPrefix(larger.prefix, size, larger);
  if (former === null)
    return refused('bad-proof', `no leaf ${size - 1} of the tree of ${larger.size} leaves`);
  return sameHash(former, root)
    ? refused('no-contradiction', `the tree of ${larger.size} leaves had that root at size ${size}`)
    : null;
}

function noteText({ checkpoint: { size, root } }: OpenedNote): string {
  return `a checkpoint of ${size} events with root ${hexOf(root)}`;
}

function noteStatement({ note, prefix }: Shown<{ note: Note }>): Json {
  const { text } = note;
  const key = hotkeyVerifierKey(text.slice(0, text.indexOf('\n')));
  const signatures = key === null ? [] : linesOf(note, key).slice(0, 1);
  return { note: Buffer.from(formatNote({ text, signatures })).toString('utf8'), prefix };
}

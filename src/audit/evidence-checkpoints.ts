import { z } from 'zod';
import { CommitmentStatement } from '../consensus/commitment-extrinsic.ts';
import { MAX_NOTE_LENGTH } from '../events/checkpoint.ts';
import type { Json } from '../events/ej1.ts';
import { sha256 } from '../events/hash.ts';
import {
  type Checkpoint,
  hotkeyVerifierKey,
  openCheckpoint,
  parseOrigin,
} from '../merkle/checkpoint.ts';
import { formatNote, linesOf, type Note } from '../merkle/signed-note.ts';
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
import {
  contradictionOf,
  Inclusion,
  inclusionOf,
  leafText,
  type TreeStatement,
} from './evidence-trees.ts';
import type { ForkPoint } from './fork-point.ts';

/** A leaf of the tree that the statement beside it stands for; null where the roots alone contradict. */
const WithLeaf = { inclusion: Inclusion.nullable() };
const NoteStatement = z.strictObject({ ...WithLeaf, note: z.string().max(MAX_NOTE_LENGTH) });
const AnchorStatement = z.strictObject({ ...WithLeaf, commitment: CommitmentStatement });

/**
 * The evidence that two checkpoints of one log are: of one size by themselves (`fork` null), of different
 * sizes with the leaf at which they part. Only the hotkey's lines are kept. Throws `checkpoint.invalid` for
 * a note that has none.
 */
export function evidenceOfCheckpoints(one: Note, other: Note, fork: ForkPoint | null): string {
  const first = noteStatement(one, inclusionOf(fork, fork?.one));
  const second = noteStatement(other, inclusionOf(fork, fork?.other));
  const swapped = sha256(one.text) > sha256(other.text);
  return evidenceText('checkpoint', swapped ? [second, first] : [first, second]);
}

/** The same of a checkpoint (`fork.one`) and an anchor (`fork.other`). */
export function evidenceOfCheckpointAndAnchor(
  checkpoint: Note,
  commitment: CommitmentStatement,
  fork: ForkPoint | null,
): string {
  return evidenceText('checkpoint-vs-anchor', [
    noteStatement(checkpoint, inclusionOf(fork, fork?.one)),
    { commitment, inclusion: inclusionOf(fork, fork?.other) },
  ]);
}

/**
 * Proves that a hotkey signed two checkpoints of one log that no log can have both of: of one size with
 * different roots; or of different sizes, with different leaves at one index, each proven in its tree.
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
    contradictionOf(treeOf(one), treeOf(other)) ??
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
  const root = Buffer.from(anchor.root, 'hex');
  const { inclusion } = parsed.data;
  const fault =
    differentHotkeys(hotkey, commitment.statement.hotkey) ??
    sameLog(`generation ${generation}`, `generation ${anchor.generation}`) ??
    contradictionOf(treeOf(note), { size: anchor.size, root, inclusion }) ??
    noteFault(note, context) ??
    commitmentFault(commitment, context);
  if (fault !== null) return fault;
  return {
    hotkey,
    family: null,
    run: null,
    summary: `${hotkey} anchored another history of its log than the one in its checkpoint`,
    says: [noteText(note), `${commitmentText(commitment)}${leafText(inclusion)}`],
  };
}

type OpenedNote = Readonly<{
  kind: 'opened';
  note: string;
  text: string;
  checkpoint: Checkpoint;
  hotkey: string;
  generation: number;
  inclusion: Inclusion | null;
}>;

/** Reads a checkpoint of a log of this network and subnet, with one line, in the hotkey's name; its signature is not looked at. */
function openNote(json: Json, { genesis, netuid }: EvidenceContext): OpenedNote | Refused {
  const parsed = NoteStatement.safeParse(json);
  if (!parsed.success) return refused('schema', issueOf(parsed.error));
  const { note, inclusion } = parsed.data;
  const log = parseOrigin(note.slice(0, note.indexOf('\n')));
  if (log === null) return refused('bad-note', 'its first line names no log of ours');
  const { hotkey, generation } = log;
  const opened = openCheckpoint(Buffer.from(note, 'utf8'), { hotkey, verify: () => true });
  if (opened.kind === 'refused') return refused('bad-note', `${opened.reason}: ${opened.detail}`);
  if (opened.note.signatures.length > 1) return refused('bad-note', "lines beside the hotkey's");
  if (log.genesis8 !== genesis.slice(0, log.genesis8.length))
    return refused('wrong-network', `genesis ${log.genesis8}… instead of ${genesis}`);
  if (log.netuid !== netuid)
    return refused('wrong-netuid', `netuid ${log.netuid} instead of ${netuid}`);
  const { text } = opened.note;
  return {
    kind: 'opened',
    note,
    text,
    checkpoint: opened.checkpoint,
    hotkey,
    generation,
    inclusion,
  };
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

function treeOf({ checkpoint: { size, root }, inclusion }: OpenedNote): TreeStatement {
  return { size, root, inclusion };
}

function noteText({ checkpoint: { size, root }, inclusion }: OpenedNote): string {
  return `a checkpoint of ${size} events with root ${Buffer.from(root).toString('hex')}${leafText(inclusion)}`;
}

function noteStatement({ text, signatures }: Note, inclusion: Inclusion | null) {
  const key = hotkeyVerifierKey(text.slice(0, text.indexOf('\n')));
  const lines = key === null ? [] : linesOf({ text, signatures }, key).slice(0, 1);
  const note = Buffer.from(formatNote({ text, signatures: lines })).toString('utf8');
  return { inclusion, note };
}

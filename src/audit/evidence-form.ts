import { z } from 'zod';
import type { Blake2b256 } from '../consensus/commitment-extrinsic.ts';
import type { Verify } from '../consensus/keys.ts';
import { isAppError } from '../errors.ts';
import { decode, encode, type Json } from '../events/ej1.ts';
import { EvidenceKind, MAX_EVIDENCE_LENGTH } from '../events/evidence.ts';
import { detailOf } from '../events/scalars.ts';

/** What a verifier knows by himself: nothing but the keys in the file and these is needed. */
export type EvidenceContext = Readonly<{
  verify: Verify;
  blake2b256: Blake2b256;
  /** Genesis hash of the network, 64 hex digits. */
  genesis: string;
  netuid: number;
  /** Who owns the subnet, and alone can be accused of two rosters. */
  ownerHotkey?: string | null;
}>;

/** What two statements prove. */
export type Accusation = Readonly<{
  /** Whose it is. */
  hotkey: string;
  /** The run and family that it belongs to; null where it belongs to none, or does not say. */
  run: string | null;
  family: string | null;
  /** A sentence for people. */
  summary: string;
  /** What each of the statements says, for people. */
  says: readonly [string, string];
}>;

/** Why a file proves nothing. */
export type EvidenceFault =
  | 'too-large'
  /** Not EJ1, or a signed body that is not. */
  | 'not-canonical'
  | 'format'
  | 'kind'
  | 'schema'
  | 'wrong-network'
  | 'wrong-netuid'
  /** Two hotkeys may say different things. */
  | 'different-hotkeys'
  | 'different-families'
  | 'different-runs'
  /** Two logs, or two generations of one. */
  | 'different-logs'
  /** The statements can both be true. */
  | 'no-contradiction'
  /** The statements stand in the wrong order. */
  | 'order'
  /** Bytes that are no signed `set_commitment`, or not the named hotkey's. */
  | 'bad-extrinsic'
  /** The commitment names no run, or no log. */
  | 'no-commitment'
  | 'no-anchor'
  /** No checkpoint, or one with other lines than its hotkey's. */
  | 'bad-note'
  /** Which of two trees has to show what it was at the other's size, and which has not. */
  | 'proof-missing'
  | 'proof-needless'
  | 'bad-proof'
  | 'owner-unknown'
  | 'not-the-owner'
  | 'bad-signature';

export type Refused = Readonly<{ kind: 'refused'; reason: EvidenceFault; detail: string }>;

/** A refusal; `detail` may quote an attacker, and is cut to what an event holds. */
export function refused(reason: EvidenceFault, detail: string): Refused {
  return { kind: 'refused', reason, detail: detailOf(detail) };
}

const FORMAT = 'eirel-evidence/1';

/** What each kind of evidence means, for whoever opens the file. Verifiers do not look at it. */
export const EXPLANATIONS: Readonly<Record<EvidenceKind, string>> = {
  report:
    'One hotkey signed two different score reports of the same run. An honest validator signs one, and keeps it.',
  commitment:
    'One hotkey signed two extrinsics that commit to different reports of the same run. An honest validator repeats its commitment byte for byte.',
  'report-vs-chain':
    'One hotkey signed a score report, and an extrinsic that commits to another report of the same run. An honest validator opens what it committed to.',
  checkpoint:
    'One hotkey signed two checkpoints of its log that no single log can have. An honest log only grows.',
  'checkpoint-vs-anchor':
    'One hotkey signed a checkpoint of its log, and anchored on chain a tree that this log never had. An honest log only grows.',
  roster:
    "The subnet owner's hotkey signed two different rosters of the same run. Everybody has to be told the same one.",
};

/** What a file proves about two statements of a kind, each judged before its signature is. */
export type Check = (
  statements: readonly [Json, Json],
  context: EvidenceContext,
) => Accusation | Refused;

/** The text of an evidence file: one for everybody who holds these two statements. */
export function evidenceText(kind: EvidenceKind, statements: readonly [Json, Json]): string {
  return encode({ explain: EXPLANATIONS[kind], format: FORMAT, kind, statements });
}

/** More than any explanation of ours. */
const MAX_EXPLAIN_LENGTH = 400;

/** The file once more escaped, in an event of 65,535 bytes, with room for the rest of that event. */
const MAX_RECORDED_BYTES = 64_000;

const File = z.strictObject({
  explain: z.string().max(MAX_EXPLAIN_LENGTH),
  format: z.string(),
  kind: z.string(),
  statements: z.tuple([z.custom<Json>(), z.custom<Json>()]),
});

/** Reads the frame of an evidence file that anybody may have sent; its statements are not looked at yet. */
export function parseEvidence(
  text: string,
): Readonly<{ kind: EvidenceKind; statements: readonly [Json, Json] }> | Refused {
  if (text.length > MAX_EVIDENCE_LENGTH)
    return refused('too-large', `${text.length} characters, at most ${MAX_EVIDENCE_LENGTH}`);
  const json = decodeSafely(text);
  if (json instanceof Error) return refused('not-canonical', json.message);
  if (Buffer.byteLength(encode(text), 'utf8') > MAX_RECORDED_BYTES)
    return refused('too-large', `more than ${MAX_RECORDED_BYTES} bytes in an event`);
  const file = File.safeParse(json);
  if (!file.success) return refused('schema', issueOf(file.error));
  const { format, kind, statements } = file.data;
  if (format !== FORMAT) return refused('format', `${format} instead of ${FORMAT}`);
  const known = EvidenceKind.safeParse(kind);
  return known.success
    ? { kind: known.data, statements }
    : refused('kind', `${kind} instead of one of ${EvidenceKind.options.join(', ')}`);
}

/** The first thing that a schema has against a value, with its path. */
export function issueOf({ issues: [issue] }: z.ZodError): string {
  return `${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? 'malformed'}`;
}

function decodeSafely(text: string): Json | Error {
  try {
    return decode(text);
  } catch (error) {
    if (isAppError(error, 'ej1.malformed')) return error;
    throw error;
  }
}

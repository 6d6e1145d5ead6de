import { isAppError } from '../errors.ts';
import { Ss58 } from '../events/scalars.ts';
import { genesis8Of } from '../events/source.ts';
import { ss58PublicKey } from '../events/ss58.ts';
import { publicKeyEd25519, signEd25519, verifyEd25519 } from './ed25519.ts';
import {
  formatNote,
  linesOf,
  type Note,
  type NoteSignature,
  parseNote,
  type VerifierKey,
  verifierKey,
} from './signed-note.ts';
import { decodeCount, decodeHash, encodeBase64, malformed } from './text-form.ts';
import type { Hash } from './tree.ts';

/** What a log says of itself: its name, its size, and the root of the Merkle tree over its events. */
export type Checkpoint = Readonly<{ origin: string; size: number; root: Hash }>;

/** The note text of a checkpoint (C2SP tlog-checkpoint): origin, size, root in base64, each on a line. */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  const text = `${origin}\n${size}\n${encodeBase64(root)}\n`;
  // What would be read as something else must never be signed.
  parseCheckpoint(text);
  return text;
}

/**
 * Reads a checkpoint's note text. Throws `checkpoint.invalid`, also for extension lines: C2SP allows and
 * disadvises them, we never write any, and what nobody audits is not signed.
 */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = '', size = '', root = '', end, ...rest] = text.split('\n', 6);
  if (end !== '' || rest.length > 0) {
    throw malformed('checkpoint', 'three lines: origin, size, root');
  }
  if (origin === '') throw malformed('checkpoint origin', 'a name');
  return {
    origin,
    size: decodeCount('checkpoint size', size),
    root: decodeHash('checkpoint root', root),
  };
}

/** A hotkey that can sign, and the check of its signatures: `Signer` and `Verify` of consensus/keys.ts. */
type HotkeySigner = Readonly<{ hotkey: string; sign: (message: Uint8Array) => string }>;
type VerifyHotkey = (message: Uint8Array, signature: string, hotkey: string) => boolean;

/**
 * The signed note of a checkpoint with both of its own lines: the log key's, which every reader of
 * transparency logs knows, and the hotkey's, which makes the note speak for the identity on chain.
 * Throws `checkpoint.invalid` when the origin is not a log of the signer's.
 */
export function signCheckpoint(
  checkpoint: Checkpoint,
  { logSeed, signer }: Readonly<{ logSeed: Uint8Array; signer: HotkeySigner }>,
): Uint8Array {
  const text = formatCheckpoint(checkpoint);
  const signatures = [
    logSignature(text, checkpoint.origin, logSeed),
    hotkeySignature(text, checkpoint.origin, signer),
  ];
  return formatNote({ text, signatures });
}

/** What a note is: a checkpoint that the hotkey signed, or the reason why it is none. */
export type OpenedCheckpoint =
  | Readonly<{
      kind: 'opened';
      checkpoint: Checkpoint;
      note: Note;
      /** Of the log key's line; `unchecked` when no log key was given. */
      logLine: 'verified' | 'refused' | 'absent' | 'unchecked';
    }>
  | Readonly<{
      kind: 'refused';
      /** `unsigned`: no line of the hotkey. `signature`: one that it did not make. */
      reason: 'malformed' | 'other-origin' | 'unsigned' | 'signature';
      detail: string;
    }>;

/**
 * Opens a checkpoint that anybody may have sent. Its origin has to name the hotkey, and the one line under the
 * hotkey's key id has to be a signature of the hotkey. Never throws.
 */
export function openCheckpoint(
  bytes: Uint8Array,
  {
    hotkey,
    verify,
    logKey = null,
  }: Readonly<{ hotkey: string; verify: VerifyHotkey; logKey?: Uint8Array | null }>,
): OpenedCheckpoint {
  const parsed = parseSafely(bytes);
  if (parsed.kind === 'refused') return parsed;
  const { note, checkpoint } = parsed;
  const key = hotkeyVerifierKey(checkpoint.origin);
  if (key === null || parseOrigin(checkpoint.origin)?.hotkey !== hotkey) {
    return refused('other-origin', `its origin is no log of ${hotkey}`);
  }
  const [line, ...others] = linesOf(note, key);
  if (line === undefined) return refused('unsigned', `no line of the hotkey ${hotkey}`);
  // One says all that several would, and each takes two milliseconds to verify.
  if (others.length > 0)
    return refused('malformed', `${1 + others.length} lines of the hotkey ${hotkey}`);
  const signature = Buffer.from(line.signature).toString('hex');
  if (!verify(hotkeyMessage(note.text), signature, hotkey))
    return refused('signature', `a line in the name of ${hotkey} that it did not sign`);
  const logLine = logKey === null ? 'unchecked' : verdictOfLogLine(note, checkpoint.origin, logKey);
  return { kind: 'opened', checkpoint, note, logLine };
}

/**
 * The note with the first line of the hotkey in its origin, and the first other one of an Ed25519 signature's length
 * in the name of the log: what the log itself signed is what it stands for, and that bounds what is kept of a
 * stranger's note. How many cosignatures and lines of no use came to it nobody bounds.
 */
export function withoutCosignatures(note: Note): Note {
  const { text, signatures } = note;
  const origin = text.slice(0, text.indexOf('\n'));
  const key = hotkeyVerifierKey(origin);
  const byHotkey = key === null ? undefined : linesOf(note, key)[0];
  const byLog = signatures.find(
    ({ name, keyId, signature }) =>
      name === origin && keyId !== key?.keyId && signature.length === SIGNATURE_BYTES,
  );
  return { text, signatures: signatures.filter((line) => line === byHotkey || line === byLog) };
}

/** The verdict on the lines of an Ed25519 log key: all of them have to be its signatures of the text. */
export function verdictOfLogLine(
  note: Note,
  origin: string,
  logKey: Uint8Array,
): 'verified' | 'refused' | 'absent' {
  const lines = linesOf(note, logVerifierKey(origin, logKey));
  if (lines.length === 0) return 'absent';
  const text = Buffer.from(note.text, 'utf8');
  return lines.every(({ signature }) => verifyEd25519(text, signature, logKey))
    ? 'verified'
    : 'refused';
}

/** What a log's name says: its network, by the first digits of the genesis hash, its subnet, its hotkey, its generation. */
export type ParsedOrigin = Readonly<{
  genesis8: string;
  netuid: number;
  hotkey: string;
  generation: number;
}>;

/** What the name of a log says; the counterpart of `logSource`. Null for a name that is none of ours. */
export function parseOrigin(origin: string): ParsedOrigin | null {
  const [, genesis8 = '', netuid, hotkey = '', generation] = ORIGIN.exec(origin) ?? [];
  const numbers = [Number(netuid), Number(generation)] as const;
  if (genesis8 === '' || !Ss58.safeParse(hotkey).success) return null;
  if (numbers.some((number) => number > MAX_U16)) return null;
  return { genesis8, netuid: numbers[0], hotkey, generation: numbers[1] };
}

/** Whether a name is that of a log of this subnet. */
export function isOfSubnet(
  name: ParsedOrigin | null,
  { genesis, netuid }: Readonly<{ genesis: string; netuid: number }>,
): name is ParsedOrigin {
  return name?.genesis8 === genesis8Of(genesis) && name.netuid === netuid;
}

/** The log key as a verifier of notes knows it: Ed25519 of C2SP signed-note, named like the origin. */
export function logVerifierKey(origin: string, logKey: Uint8Array): VerifierKey {
  return verifierKey(origin, Buffer.concat([Uint8Array.of(ED25519_TYPE), logKey]));
}

/** The hotkey in an origin as a verifier of notes knows it; null for an origin that is none of ours. */
export function hotkeyVerifierKey(origin: string): VerifierKey | null {
  const publicKey = ss58PublicKey(parseOrigin(origin)?.hotkey ?? '');
  if (publicKey === null) return null;
  return verifierKey(origin, Buffer.concat([SR25519_TYPE, publicKey]));
}

/** What the hotkey signs of a checkpoint's note text: the first line keeps it apart from all else that a hotkey signs. */
export function hotkeyMessage(text: string): Uint8Array {
  return Buffer.from(`eirel/checkpoint/sr25519/v1\n${text}`, 'utf8');
}

/** Of Ed25519, and of sr25519. */
const SIGNATURE_BYTES = 64;

/** Signature types of C2SP signed-note: assigned, and one of the unassigned with its longer name. */
const ED25519_TYPE = 0x01;
const SR25519_TYPE = Buffer.from('\xffeirel.network/sr25519-note/v1', 'latin1');

const ORIGIN =
  /^eirel\.network\/log\/v1\/([0-9a-f]{8})\/(0|[1-9][0-9]{0,4})\/([^/]*)\/(0|[1-9][0-9]{0,4})$/;
const MAX_U16 = 65_535;

function logSignature(text: string, origin: string, logSeed: Uint8Array): NoteSignature {
  const { name, keyId } = logVerifierKey(origin, publicKeyEd25519(logSeed));
  return { name, keyId, signature: signEd25519(Buffer.from(text, 'utf8'), logSeed) };
}

function hotkeySignature(text: string, origin: string, signer: HotkeySigner): NoteSignature {
  const key = hotkeyVerifierKey(origin);
  if (key === null || parseOrigin(origin)?.hotkey !== signer.hotkey) {
    throw malformed('checkpoint origin', `a log of ${signer.hotkey}`);
  }
  const signature = Buffer.from(signer.sign(hotkeyMessage(text)), 'hex');
  return { name: key.name, keyId: key.keyId, signature };
}

function parseSafely(
  bytes: Uint8Array,
): { kind: 'parsed'; note: Note; checkpoint: Checkpoint } | Refused {
  try {
    const note = parseNote(bytes);
    return { kind: 'parsed', note, checkpoint: parseCheckpoint(note.text) };
  } catch (error) {
    if (isAppError(error, 'checkpoint.invalid')) return refused('malformed', error.message);
    throw error;
  }
}

type Refused = Extract<OpenedCheckpoint, { kind: 'refused' }>;

function refused(reason: Refused['reason'], detail: string): Refused {
  return { kind: 'refused', reason, detail };
}

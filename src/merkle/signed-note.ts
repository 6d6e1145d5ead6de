import { sha256 } from '../events/hash.ts';
import { decodeBase64, decodeText, encodeBase64, malformed } from './text-form.ts';

/** One signature line: who signed, with which key, and the bytes whose meaning that key's type defines. */
export type NoteSignature = Readonly<{ name: string; keyId: number; signature: Uint8Array }>;

/** A text that ends in a newline, signed by one or more keys (C2SP signed-note). */
export type Note = Readonly<{ text: string; signatures: readonly NoteSignature[] }>;

/** C2SP asks for at least 16; our own checkpoints carry two and a cosignature of each peer. */
const MAX_NOTE_SIGNATURES = 32;

/** Thirty-two post-quantum signatures of 5 kB in base64, and some text. */
const MAX_NOTE_BYTES = 262_144;

/**
 * Reads a signed note: UTF-8 without control characters but newlines; a text, the last empty line,
 * signature lines. Throws `checkpoint.invalid` for anything else; `formatNote` gives the same bytes again.
 * It verifies nothing: the text is a stranger's until a known key's line was verified.
 */
export function parseNote(bytes: Uint8Array): Note {
  if (bytes.length > MAX_NOTE_BYTES) throw malformed('note', `at most ${MAX_NOTE_BYTES} bytes`);
  const whole = decodeText('note', bytes);
  checkCharacters(whole);
  const end = whole.lastIndexOf('\n\n');
  if (end === -1) throw malformed('note', 'a text, an empty line, and signature lines');
  const signatures = parseSignatures(whole.slice(end + 2));
  return { text: whole.slice(0, end + 1), signatures };
}

/** The bytes of a note. Throws `checkpoint.invalid` for a note that `parseNote` would not give back. */
export function formatNote({ text, signatures }: Note): Uint8Array {
  checkCharacters(text);
  if (!text.isWellFormed()) throw malformed('note', 'well-formed text');
  if (!text.endsWith('\n')) throw malformed('note', 'a text that ends in a newline');
  checkNumber(signatures.length);
  const note = Buffer.from(`${text}\n${signatures.map(formatSignature).join('')}`, 'utf8');
  if (note.length > MAX_NOTE_BYTES) throw malformed('note', `at most ${MAX_NOTE_BYTES} bytes`);
  return note;
}

/**
 * Reads signature lines as they stand at the end of a note, and as a witness answers with them: 1 to 32
 * lines, each with its newline. Throws `checkpoint.invalid`.
 */
export function parseSignatures(text: string): readonly NoteSignature[] {
  if (!text.endsWith('\n')) throw malformed('signatures', 'lines that end in a newline');
  // Split no further than it takes to see that there are too many.
  const lines = text.slice(0, -1).split('\n', MAX_NOTE_SIGNATURES + 1);
  checkNumber(lines.length);
  return lines.map(parseSignature);
}

/** The line `— <name> base64(key id ‖ signature)` with its newline. Throws `checkpoint.invalid` for a name that none can have. */
export function formatSignature({ name, keyId, signature }: NoteSignature): string {
  checkName(name);
  if (signature.length === 0) throw malformed('signature', 'at least one byte after the key id');
  const bytes = Buffer.alloc(KEY_ID_BYTES + signature.length);
  bytes.writeUInt32BE(keyId);
  bytes.set(signature, KEY_ID_BYTES);
  return `${LINE_START}${name} ${encodeBase64(bytes)}\n`;
}

/** The key id that C2SP recommends: the first four bytes of SHA-256(name ‖ 0x0A ‖ type and public key), big-endian. */
export function keyIdOf(name: string, typeAndKey: Uint8Array): number {
  const id = sha256(Buffer.concat([Buffer.from(`${name}\n`, 'utf8'), typeAndKey]));
  return Number.parseInt(id.slice(0, 2 * KEY_ID_BYTES), 16);
}

/** A public key for notes: `typeAndKey` is the signature type (a byte, or 0xff and a longer name) and the key's bytes. */
export type VerifierKey = Readonly<{ name: string; keyId: number; typeAndKey: Uint8Array }>;

/** The key of that name, with its id. */
export function verifierKey(name: string, typeAndKey: Uint8Array): VerifierKey {
  return { name, keyId: keyIdOf(name, typeAndKey), typeAndKey };
}

/** Reads `<name>+<id, 8 hex digits>+<base64(type and key)>`. Throws `checkpoint.invalid`, also for an id that is another key's. */
export function parseVerifierKey(vkey: string): VerifierKey {
  const [, name = '', id = '', key = ''] = /^([^+]*)\+([0-9a-f]{8})\+(.*)$/s.exec(vkey) ?? [];
  if (id === '') throw malformed('verifier key', '<name>+<8 hex digits>+<base64>');
  checkName(name);
  const parsed = verifierKey(name, decodeBase64('verifier key', key));
  if (parsed.typeAndKey.length < 2) throw malformed('verifier key', 'a type and a public key');
  if (parsed.keyId !== Number.parseInt(id, 16)) {
    throw malformed('verifier key', 'the key id that follows from its name and key');
  }
  return parsed;
}

/** The text that `parseVerifierKey` reads. */
export function formatVerifierKey({ name, keyId, typeAndKey }: VerifierKey): string {
  return `${name}+${keyId.toString(16).padStart(2 * KEY_ID_BYTES, '0')}+${encodeBase64(typeAndKey)}`;
}

/**
 * The lines of a note that a key made: of its name and id. None is a note that this key did not sign; C2SP
 * has all others ignored. Whoever verifies them refuses the note when one of them is not the key's.
 */
export function linesOf({ signatures }: Note, key: VerifierKey): readonly NoteSignature[] {
  return signatures.filter(({ name, keyId }) => name === key.name && keyId === key.keyId);
}

/** Em dash, space. */
const LINE_START = '\u2014 ';
const KEY_ID_BYTES = 4;

function parseSignature(line: string): NoteSignature {
  const [dash, name = '', base64, ...rest] = line.split(' ');
  if (`${dash} ` !== LINE_START || base64 === undefined || rest.length > 0) {
    throw malformed('signature', 'an em dash, a name and base64, one space between each');
  }
  checkName(name);
  const bytes = decodeBase64('signature', base64);
  if (bytes.length <= KEY_ID_BYTES) throw malformed('signature', 'a key id and a signature');
  const keyId = new DataView(bytes.buffer).getUint32(0);
  return { name, keyId, signature: bytes.subarray(KEY_ID_BYTES) };
}

function checkNumber(signatures: number): void {
  if (signatures < 1 || signatures > MAX_NOTE_SIGNATURES) {
    throw malformed('signatures', `1 to ${MAX_NOTE_SIGNATURES} of them`);
  }
}

function checkName(name: string): void {
  checkCharacters(name);
  // `White_Space` is Unicode's own list; `\s` differs from it in two characters.
  if (name === '' || /[\p{White_Space}+]/u.test(name) || !name.isWellFormed()) {
    throw malformed('key name', 'characters without spaces and plus signs');
  }
}

function checkCharacters(text: string): void {
  if (/[^\n\u0020-\u{10ffff}]/u.test(text)) {
    throw malformed('note', 'no control characters but newlines');
  }
}

import { genesis8Of } from '../events/source.ts';
import { publicKeyEd25519, signEd25519, verifyEd25519 } from './ed25519.ts';
import {
  linesOf,
  type Note,
  type NoteSignature,
  type VerifierKey,
  verifierKey,
} from './signed-note.ts';
import { malformed } from './text-form.ts';

/** The name under which a validator cosigns other logs: its identity, as in the names of logs. */
export function cosignerName(
  at: Readonly<{ genesis: string; netuid: number; hotkey: string }>,
): string {
  return `eirel.network/witness/v1/${genesis8Of(at.genesis)}/${at.netuid}/${at.hotkey}`;
}

/** A cosigner's Ed25519 key as a verifier of notes knows it (C2SP tlog-cosignature, type 0x04). */
export function cosignerKey(name: string, publicKey: Uint8Array): VerifierKey {
  return verifierKey(name, Buffer.concat([Uint8Array.of(COSIGNATURE_TYPE), publicKey]));
}

/**
 * Cosigns a checkpoint's note text: the statement that at `time` this was the largest consistent tree of
 * the log that the cosigner knew. `time` is in whole seconds since 1970. Throws `checkpoint.invalid`.
 */
export function cosign(
  text: string,
  { name, seed, time }: Readonly<{ name: string; seed: Uint8Array; time: number }>,
): NoteSignature {
  if (!Number.isSafeInteger(time) || time < 0) throw malformed('cosignature time', 'whole seconds');
  const signature = Buffer.alloc(TIME_BYTES + SIGNATURE_BYTES);
  signature.writeBigUInt64BE(BigInt(time));
  signature.set(signEd25519(cosignedMessage(text, BigInt(time)), seed), TIME_BYTES);
  return { name, keyId: cosignerKey(name, publicKeyEd25519(seed)).keyId, signature };
}

/**
 * When the cosigner last cosigned this note, in seconds since 1970; null when it did not: no line is its
 * own, or one that claims to be is not a signature of it.
 */
export function cosignedAt(note: Note, key: VerifierKey): number | null {
  let newest: number | null = null;
  for (const { signature } of linesOf(note, key)) {
    const time = timeOf(note.text, signature, key);
    if (time === null) return null;
    newest = Math.max(newest ?? 0, time);
  }
  return newest;
}

const COSIGNATURE_TYPE = 0x04;
const TIME_BYTES = 8;
const SIGNATURE_BYTES = 64;

function timeOf(text: string, signature: Uint8Array, { typeAndKey }: VerifierKey): number | null {
  if (typeAndKey[0] !== COSIGNATURE_TYPE || signature.length !== TIME_BYTES + SIGNATURE_BYTES) {
    return null;
  }
  const time = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);
  // Later than any clock will say: nobody honest signs it, and numbers hold it no longer.
  if (time > BigInt(Number.MAX_SAFE_INTEGER)) return null;
  const message = cosignedMessage(text, time);
  return verifyEd25519(message, signature.subarray(TIME_BYTES), typeAndKey.subarray(1))
    ? Number(time)
    : null;
}

function cosignedMessage(text: string, time: bigint): Uint8Array {
  return Buffer.from(`cosignature/v1\ntime ${time}\n${text}`, 'utf8');
}

import type { Signer, Verify } from '#src/consensus/keys.ts';
import { sha256 } from '#src/events/hash.ts';
import { Ss58 } from '#src/events/scalars.ts';

/** A signer whose signatures are hashes: fast, deterministic, and only `fakeVerify` believes them. */
export function fakeSigner(hotkey: string): Signer {
  return { hotkey, sign: (message) => signatureOf(message, hotkey) };
}

/** Accepts exactly what `fakeSigner` of the same hotkey signed. */
export const fakeVerify: Verify = (message, signature, hotkey) =>
  signature === signatureOf(message, hotkey);

/** A made-up hotkey of the right form: `5<name>111…`. The name is base58; a 0, which is not, becomes z. */
export function hotkeyOf(name: string): string {
  return Ss58.parse(`5${name.replaceAll('0', 'z')}`.padEnd(48, '1'));
}

function signatureOf(message: Uint8Array, hotkey: string): string {
  const half = sha256(Buffer.concat([Buffer.from(`${hotkey}\0`), message]));
  return half + half;
}

import { cryptoReady, hotkeyFromSeed } from '#src/chain/hotkey.ts';
import type { Signer } from '#src/consensus/keys.ts';
import { sha256 } from '#src/events/hash.ts';

await cryptoReady();

/** A key that everybody can derive from its name: for tests only. */
export function devSigner(name: string): Signer {
  const signer = hotkeyFromSeed(Buffer.from(devSeed(name), 'hex'));
  signers.set(signer.hotkey, signer);
  return signer;
}

/** The signer of a hotkey whose name was used before; undefined for any other. */
export function devSignerOf(hotkey: string): Signer | undefined {
  return signers.get(hotkey);
}

const signers = new Map<string, Signer>();

/** Its seed, 64 hex digits. */
export function devSeed(name: string): string {
  return sha256(`eirel development key ${name}`);
}

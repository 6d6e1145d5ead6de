import { cryptoReady, hotkeyFromSeed } from '#src/chain/hotkey.ts';
import type { Signer } from '#src/consensus/keys.ts';
import { sha256 } from '#src/events/hash.ts';

await cryptoReady();

/** A key that everybody can derive from its name: for tests only. */
export function devSigner(name: string): Signer {
  return hotkeyFromSeed(Buffer.from(devSeed(name), 'hex'));
}

/** Its seed, 64 hex digits. */
export function devSeed(name: string): string {
  return sha256(`eirel development key ${name}`);
}

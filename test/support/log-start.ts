import type { Signer } from '#src/consensus/keys.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { sha256 } from '#src/events/hash.ts';
import { publicKeyEd25519 } from '#src/merkle/ed25519.ts';
import { logStarted as signStart } from '#src/sequencer/begin-log.ts';

type Network = Readonly<{ genesis: string; netuid: number }>;

/** The event that starts the first generation of a signer's log, with the keys that follow from its hotkey. */
export function logStarted(
  signer: Signer,
  source: string,
  { genesis, netuid }: Network,
): DomainEvent {
  const { hotkey } = signer;
  const keys = {
    logKey: publicKeyOf(logSeedOf(hotkey)),
    witnessKey: publicKeyOf(seedOf(`witness key of ${hotkey}`)),
  };
  return signStart({ source, genesis, netuid, generation: 0, ...keys, previous: null }, signer);
}

/** The Ed25519 seed of a validator's log. */
export function logSeedOf(hotkey: string): Uint8Array {
  return seedOf(`log key of ${hotkey}`);
}

function seedOf(name: string): Uint8Array {
  return Buffer.from(sha256(name), 'hex');
}

function publicKeyOf(seed: Uint8Array): string {
  return Buffer.from(publicKeyEd25519(seed)).toString('hex');
}

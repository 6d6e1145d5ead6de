import type { Signer } from '#src/consensus/keys.ts';
import { pae } from '#src/consensus/signed.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { encode } from '#src/events/ej1.ts';
import { sha256 } from '#src/events/hash.ts';
import { LOG_START_TYPE, type LogStart } from '#src/events/log-started.ts';
import { publicKeyEd25519 } from '#src/merkle/ed25519.ts';

type Network = Readonly<{ genesis: string; netuid: number }>;

/** The event that starts the first generation of a signer's log, with the keys that follow from its hotkey. */
export function logStarted(
  signer: Signer,
  source: string,
  { genesis, netuid }: Network,
): DomainEvent {
  const { hotkey } = signer;
  const start: LogStart = {
    v: 'eirel/log-start/1',
    source,
    genesis,
    netuid,
    hotkey,
    generation: 0,
    logKey: publicKeyOf(logSeedOf(hotkey)),
    witnessKey: publicKeyOf(seedOf(`witness key of ${hotkey}`)),
    previous: null,
  };
  const body = encode(start);
  const signature = signer.sign(pae(LOG_START_TYPE, body));
  return { type: 'log.started.v1', data: { hotkey, body, signature } };
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

import type { z } from 'zod';
import { hotkeyFromSeed } from '../../chain/hotkey.ts';
import type { Signer } from '../../consensus/keys.ts';
import { Genesis } from '../../devchain/genesis.ts';
import { sha256 } from '../../events/hash.ts';
import stakes from './stakes.json' with { type: 'json' };

/** Validators that run as processes: the four with the most stake, which together reach the quorum. */
export const RUNNING = ['v1', 'v2', 'v3', 'v4'] as const;
export type Running = (typeof RUNNING)[number];

/** The one that is dishonest. */
export const DISHONEST: Running = 'v4';

export const MINERS = ['miner-1', 'miner-2', 'miner-3', 'miner-4', 'miner-5', 'miner-6'] as const;

/** All validators by name, those without a process included: they count against the quorum. */
const VALIDATORS = stakes.validators.map((_, index) => `v${index + 1}`);

export const NETUID = 36;
export const FAMILY = 'general_chat';

/** A seed that everybody can derive from the name: it protects nothing, and is for a local subnet only. */
export function devSeed(name: string): string {
  return sha256(`eirel local subnet key ${name}`);
}

export function devSigner(name: string): Signer {
  return hotkeyFromSeed(Buffer.from(devSeed(name), 'hex'));
}

export const hotkeyOf = (name: string): string => devSigner(name).hotkey;

/** Names for people, by hotkey. */
export function names(): ReadonlyMap<string, string> {
  return new Map(['owner', ...MINERS, ...VALIDATORS].map((name) => [hotkeyOf(name), name]));
}

/** Stakes of the validators by name, in rao. */
export function stakeOf(): Readonly<Record<string, bigint>> {
  return Object.fromEntries(
    stakes.validators.map(({ stake }, index) => [`v${index + 1}`, BigInt(stake)]),
  );
}

/** Blocks between two epochs, less one: a run's weights are paid after two of them. */
const TEMPO = 12;

/**
 * The chain of a subnet: uid 0 is the owner's and burns, then the miners, then the validators with these
 * stakes. Weights are committed and revealed as on mainnet; only epochs and limits are shorter, so that
 * nobody has to wait for hours.
 */
export function genesisFor(stakes: Readonly<Record<string, bigint>>): Genesis {
  const neuron = (name: string) => ({ hotkey: hotkeyOf(name), coldkey: hotkeyOf(`cold ${name}`) });
  return Genesis.parse({
    netuid: NETUID,
    beacon: { seed: sha256('eirel local subnet beacon') },
    hyperparameters: {
      tempo: TEMPO,
      minAllowedWeights: 1,
      weightsSetRateLimit: 5,
      stakeThreshold: '0',
    },
    neurons: [
      neuron('owner'),
      ...MINERS.map(neuron),
      ...Object.entries(stakes).map(([name, stake]) => ({
        ...neuron(name),
        alphaStake: String(stake),
        permit: true,
      })),
    ],
  } satisfies z.input<typeof Genesis>);
}

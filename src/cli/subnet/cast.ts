import { hotkeyFromSeed } from '../../chain/hotkey.ts';
import type { ChainFile } from '../../chain/snapshot-file.ts';
import type { Signer } from '../../consensus/keys.ts';
import { sha256 } from '../../events/hash.ts';
import stakes from './stakes.json' with { type: 'json' };

/** Validators that run as processes: the four with the most stake, which together reach the quorum. */
export const RUNNING = ['v1', 'v2', 'v3', 'v4'] as const;
export type Running = (typeof RUNNING)[number];

/** The one that is dishonest in one run. */
export const DISHONEST: Running = 'v4';

export const MINERS = ['miner-1', 'miner-2', 'miner-3', 'miner-4', 'miner-5', 'miner-6'] as const;

export const NETUID = 36;
export const GENESIS = sha256('eirel local subnet');
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
  const all = ['owner', ...MINERS, ...stakes.validators.map((_, index) => `v${index + 1}`)];
  return new Map(all.map((name) => [hotkeyOf(name), name]));
}

/**
 * The subnet's neurons: uid 0 burns, then the miners, then twelve validators with the stakes of a real
 * subnet. Only the running ones have an axon; the others are silent, and count against the quorum.
 */
export function neurons(
  axons: ReadonlyMap<string, string>,
  incentives: ReadonlyMap<string, number>,
): ChainFile['snapshot']['neurons'] {
  const neuron = (name: string, uid: number) => ({
    uid,
    hotkey: hotkeyOf(name),
    coldkey: hotkeyOf(`cold ${name}`),
    stake: '0',
    permit: false,
    active: true,
    registeredAt: 1,
    incentive: incentives.get(hotkeyOf(name)) ?? 0,
    axon: null,
  });
  const validators = stakes.validators.map(({ stake, active }, index) => {
    const name = `v${index + 1}`;
    return {
      ...neuron(name, MINERS.length + 1 + index),
      stake,
      active,
      permit: true,
      axon: axons.get(name) ?? null,
    };
  });
  return [
    neuron('owner', 0),
    ...MINERS.map((name, index) => neuron(name, index + 1)),
    ...validators,
  ];
}

import { type LogName, logs } from './subjects.ts';

/**
 * The name of a validator's log: the identity is network, subnet and hotkey, never a host name,
 * because validators move. A log that had to be given up continues in the next generation.
 */
export function logSource(
  at: Readonly<{ genesis: string; netuid: number; hotkey: string; generation: number }>,
): string {
  return `eirel.network/log/v1/${genesis8Of(at.genesis)}/${at.netuid}/${at.hotkey}/${at.generation}`;
}

/** The name of the ledger of a validator: what was spent on its behalf, and which tools were called. */
export function ledgerSource(
  at: Readonly<{ genesis: string; netuid: number; hotkey: string }>,
): string {
  return `eirel.network/ledger/v1/${genesis8Of(at.genesis)}/${at.netuid}/${at.hotkey}`;
}

/** The name of the log of a subnet's owner. */
export function ownerSource(
  at: Readonly<{ genesis: string; netuid: number; hotkey: string }>,
): string {
  return `eirel.network/owner/v1/${genesis8Of(at.genesis)}/${at.netuid}/${at.hotkey}`;
}

/** Which log has such a name: a validator's, where it says nothing else. */
export function logNamed(source: string): LogName {
  return logs.find((log) => source.startsWith(`eirel.network/${log}/v1/`)) ?? 'validator';
}

/** What a name has of a network: the first eight digits of its genesis hash. */
export function genesis8Of(genesis: string): string {
  return genesis.slice(0, 8);
}

/** Hash of Finney's block 0, 64 hex digits: the identity of Bittensor's main network. */
export const FINNEY_GENESIS = '2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03';

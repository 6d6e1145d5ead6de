import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionState } from '../../chain/connection-state.ts';
import { cryptoReady } from '../../chain/hotkey.ts';
import { openSubtensor, type Subtensor } from '../../chain/subtensor.ts';
import { type HotkeySource, loadHotkey } from '../../chain/wallet.ts';
import { type Config, keyFaults, required } from '../../config.ts';
import type { Signer } from '../../consensus/keys.ts';
import { AppError } from '../../errors.ts';

/** Reads the configured hotkey. Throws `config.invalid` and `key.invalid`. */
export async function openHotkey(config: Config): Promise<Signer> {
  const faults = keyFaults(config);
  if (faults.length > 0) throw new AppError('config.invalid', { faults });
  await cryptoReady();
  return loadHotkey(hotkeySource(config));
}

/** Opens the configured chain, for calls under the configured hotkey. Does not wait for a node to answer. */
export async function openChain(
  config: Config,
  {
    signer,
    onChange,
  }: { signer?: Signer | null; onChange?: (state: ConnectionState) => void } = {},
): Promise<Subtensor> {
  return openSubtensor({
    endpoints: config.EIREL_CHAIN_ENDPOINTS,
    genesis: config.EIREL_CHAIN_GENESIS,
    netuid: config.EIREL_NETUID,
    signer: signer === undefined ? await openHotkey(config) : signer,
    versionKey: config.EIREL_WEIGHTS_VERSION_KEY,
    ...(onChange === undefined ? {} : { onChange }),
  });
}

function hotkeySource(config: Config): HotkeySource {
  if (config.EIREL_HOTKEY_SEED_FILE !== undefined)
    return { kind: 'seed-file', path: config.EIREL_HOTKEY_SEED_FILE };
  if (config.EIREL_HOTKEY_MNEMONIC_FILE !== undefined)
    return { kind: 'mnemonic-file', path: config.EIREL_HOTKEY_MNEMONIC_FILE };
  return {
    kind: 'wallet',
    base: expandHome(config.EIREL_WALLET_PATH),
    wallet: required(config, 'EIREL_WALLET_NAME'),
    hotkey: config.EIREL_WALLET_HOTKEY,
  };
}

/** A shell expands `~` only where it stands unquoted; a setting from a file keeps it. */
function expandHome(path: string): string {
  return path.startsWith('~/') ? join(homedir(), path.slice(2)) : path;
}

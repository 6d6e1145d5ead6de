import type { ConnectionState } from '../../chain/connection-state.ts';
import { openSubtensor, type Subtensor } from '../../chain/subtensor.ts';
import { loadHotkey } from '../../chain/wallet.ts';
import { type Config, keyFaults } from '../../config.ts';
import type { Signer } from '../../consensus/keys.ts';
import { AppError } from '../../errors.ts';
import { hotkeySource } from '../keys-source.ts';

/** Reads the configured hotkey. Throws `config.invalid` and `key.invalid`. */
export async function openHotkey(config: Config): Promise<Signer> {
  const faults = keyFaults(config);
  if (faults.length > 0) throw new AppError('config.invalid', { faults });
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

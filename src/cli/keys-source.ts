import { homedir } from 'node:os';
import { join } from 'node:path';
import type { HotkeySource } from '../chain/wallet.ts';
import { type Config, KEY_SETTINGS, keyFaults, loadConfig, required } from '../config.ts';
import { AppError } from '../errors.ts';
import { type Command, type Input, type Io, usage } from './command.ts';

/** Options that say where the hotkey is, in place of the settings. */
export const KEY_OPTIONS: Command['options'] = {
  wallet: { type: 'string', placeholder: 'name', help: 'a Bittensor wallet' },
  hotkey: { type: 'string', placeholder: 'name', help: "the name of the wallet's hotkey" },
  'wallet-path': { type: 'string', placeholder: 'folder', help: 'the folder of the wallets' },
  'seed-file': { type: 'string', placeholder: 'file', help: 'a file of 64 hex digits' },
  'mnemonic-file': { type: 'string', placeholder: 'file', help: 'a file of 12 to 24 words' },
};

/** For a key file that Bittensor's tools encrypted. */
export const PASSWORD_OPTION: Command['options'] = {
  'password-file': {
    type: 'string',
    placeholder: 'file',
    help: 'the password of an encrypted wallet file ($NACL)',
  },
};

/** The settings that the options stand for. */
export const KEY_ENVIRONMENT = [
  ...KEY_SETTINGS,
  'EIREL_WALLET_HOTKEY',
  'EIREL_WALLET_PATH',
  'EIREL_WALLET_PASSWORD_FILE',
] as const;

/** Where the hotkey is, by the command's options or else by the settings. Throws `usage.invalid` and `config.invalid`. */
export function keySource(command: Command, input: Input, { env }: Pick<Io, 'env'>): HotkeySource {
  const options = Object.fromEntries(
    Object.entries(SETTING_OF).flatMap(([option, setting]) => {
      const value = input.value(option);
      return value === undefined ? [] : [[setting, value]];
    }),
  );
  const chosen = KEY_SETTINGS.some((setting) => setting in options);
  const settings = KEY_ENVIRONMENT.filter((name) => !(chosen && isSource(name)));
  const set = settings.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]));
  const config = loadConfig({ ...Object.fromEntries(set), ...options });
  if (KEY_SETTINGS.every((name) => config[name] === undefined))
    throw usage(command, {
      field: '--wallet, --seed-file, --mnemonic-file',
      value: 'nothing',
      expected: `one of them, or one of the settings ${KEY_SETTINGS.join(', ')}`,
    });
  const faults = keyFaults(config);
  if (faults.length > 0) throw new AppError('config.invalid', { faults });
  return hotkeySource(config);
}

/** Where the configured hotkey is. Throws `config.invalid` when no setting says so. */
export function hotkeySource(config: Config): HotkeySource {
  if (config.EIREL_HOTKEY_SEED_FILE !== undefined)
    return { kind: 'seed-file', path: config.EIREL_HOTKEY_SEED_FILE };
  if (config.EIREL_HOTKEY_MNEMONIC_FILE !== undefined)
    return { kind: 'mnemonic-file', path: config.EIREL_HOTKEY_MNEMONIC_FILE };
  return {
    kind: 'wallet',
    base: expandHome(config.EIREL_WALLET_PATH),
    wallet: required(config, 'EIREL_WALLET_NAME'),
    hotkey: config.EIREL_WALLET_HOTKEY,
    passwordFile: config.EIREL_WALLET_PASSWORD_FILE,
  };
}

const SETTING_OF = {
  wallet: 'EIREL_WALLET_NAME',
  hotkey: 'EIREL_WALLET_HOTKEY',
  'wallet-path': 'EIREL_WALLET_PATH',
  'password-file': 'EIREL_WALLET_PASSWORD_FILE',
  'seed-file': 'EIREL_HOTKEY_SEED_FILE',
  'mnemonic-file': 'EIREL_HOTKEY_MNEMONIC_FILE',
};

function isSource(name: string): boolean {
  return KEY_SETTINGS.some((setting) => setting === name);
}

/** A shell expands `~` only where it stands unquoted; a setting from a file keeps it. */
function expandHome(path: string): string {
  return path.startsWith('~/') ? join(homedir(), path.slice(2)) : path;
}

import { join } from 'node:path';
import type { Signer } from '../consensus/keys.ts';
import { AppError } from '../errors.ts';
import { openKeyFile } from './encrypted-key-file.ts';
import { cryptoReady } from './hotkey.ts';
import { signerFromKeyFile, signerFromMnemonic, signerFromSeed } from './key-file.ts';
import { readSecretFile } from './secret-file.ts';

/** Where a hotkey's secret is. */
export type HotkeySource =
  /** A file of 64 hex digits. */
  | { readonly kind: 'seed-file'; readonly path: string }
  /** A file of 12 to 24 words. */
  | { readonly kind: 'mnemonic-file'; readonly path: string }
  /** `<base>/<wallet>/hotkeys/<hotkey>`, as Bittensor's tools keep it. */
  | {
      readonly kind: 'wallet';
      readonly base: string;
      readonly wallet: string;
      readonly hotkey: string;
      /** The file with its password, when the key file is encrypted. */
      readonly passwordFile?: string | undefined;
    };

/** Reads a hotkey. Throws `key.invalid`, which names the file and what is wrong with it, and never shows the secret. */
export async function loadHotkey(source: HotkeySource): Promise<Signer> {
  await cryptoReady();
  const file = hotkeyFile(source);
  const bytes = await readSecretFile(file);
  switch (source.kind) {
    case 'seed-file':
      return signerFromSeed(bytes.toString('utf8'), file);
    case 'mnemonic-file':
      return signerFromMnemonic(bytes.toString('utf8'), file);
    case 'wallet': {
      const plain = await openKeyFile(bytes, { file, passwordFile: source.passwordFile ?? null });
      return signerFromKeyFile(plain.toString('utf8'), file);
    }
  }
}

/** The file of a source. Throws `input.invalid` for a wallet or hotkey whose name would lead elsewhere. */
export function hotkeyFile(source: HotkeySource): string {
  if (source.kind !== 'wallet') return source.path;
  const { base, wallet, hotkey } = source;
  for (const [field, value] of Object.entries({ wallet, hotkey })) {
    if (!NAME.test(value))
      throw new AppError('input.invalid', { field, value, expected: 'a plain name' });
  }
  return join(base, wallet, 'hotkeys', hotkey);
}

/** A name in a wallet's folder, not a way out of it. */
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/;

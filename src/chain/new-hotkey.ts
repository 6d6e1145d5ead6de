import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { mnemonicGenerate } from '@polkadot/util-crypto/cjs/mnemonic/index';
import type { Signer } from '../consensus/keys.ts';
import { AppError, isSystemError } from '../errors.ts';
import { cryptoReady } from './hotkey.ts';
import { formatKeyFile } from './key-file.ts';
import { type HotkeySource, hotkeyFile, loadHotkey } from './wallet.ts';

/**
 * Makes a hotkey and writes it, unencrypted and readable by its owner only, to where `source` says. Never
 * overwrites: throws `input.invalid` when something is there. The hotkey that it gives was read back.
 */
export async function createHotkey(
  source: HotkeySource,
): Promise<{ signer: Signer; file: string }> {
  await cryptoReady();
  const file = hotkeyFile(source);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  try {
    await writeFile(file, secretText(source.kind), { flag: 'wx', mode: 0o600, flush: true });
  } catch (cause) {
    if (isSystemError(cause, 'EEXIST'))
      throw new AppError('input.invalid', {
        field: 'file',
        value: file,
        expected: 'a place where nothing is: a key is never overwritten',
      });
    throw cause;
  }
  return { signer: await loadHotkey(source), file };
}

/** Words carry 128 bits, as many as the curve's security. */
const WORDS = 12;

function secretText(kind: HotkeySource['kind']): string {
  switch (kind) {
    case 'seed-file':
      return `${randomBytes(32).toString('hex')}\n`;
    case 'mnemonic-file':
      return `${mnemonicGenerate(WORDS)}\n`;
    case 'wallet':
      return formatKeyFile(mnemonicGenerate(WORDS));
  }
}

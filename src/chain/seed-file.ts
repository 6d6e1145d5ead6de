import { readFile, stat } from 'node:fs/promises';
import { AppError } from '../errors.ts';

/** Reads a hotkey's 32-byte seed from a file of 64 hex digits. Throws `key.invalid`; the seed is in no message. */
export async function readSeedFile(path: string): Promise<Uint8Array> {
  let text: string;
  let mode: number;
  try {
    text = (await readFile(path, 'utf8')).trim();
    ({ mode } = await stat(path));
  } catch (cause) {
    throw new AppError(
      'key.invalid',
      { file: path, expected: 'a readable file with 64 hex digits' },
      { cause },
    );
  }
  if ((mode & 0o077) !== 0) {
    throw new AppError('key.invalid', {
      file: path,
      value: `mode ${(mode & 0o777).toString(8)}`,
      expected: 'readable by its owner only',
      next: `chmod 600 ${path}`,
    });
  }
  if (!/^(0x)?[0-9a-f]{64}$/i.test(text))
    throw new AppError('key.invalid', { file: path, expected: '64 hex digits' });
  return Buffer.from(text.replace(/^0x/i, ''), 'hex');
}

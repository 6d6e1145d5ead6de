import { readFile } from 'node:fs/promises';
import { type Config, required } from '../config.ts';
import { AppError } from '../errors.ts';

/** Settings that name a file with a secret text. */
export type SecretSetting = Extract<keyof Config, `${string}_FILE`>;

/** A guess of less is no secret. */
const MIN_SECRET_LENGTH = 16;

/** Longer than any key; an HTTP header has to hold it. */
const MAX_SECRET_LENGTH = 512;

/**
 * The secret in the file that a setting names, without the line end. Throws `config.invalid` where the setting is not
 * set, the file can't be read, or what it holds is too short or no printable text; nothing of it is in the message.
 */
export async function readSecretFile(config: Config, setting: SecretSetting): Promise<string> {
  const file = required(config, setting);
  let text: string;
  try {
    text = (await readFile(String(file), 'utf8')).trim();
  } catch (cause) {
    throw new AppError(
      'config.invalid',
      { faults: [`${setting}: ${String(file)} can't be read`] },
      { cause },
    );
  }
  if (
    !/^[\x21-\x7e]+$/.test(text) ||
    text.length < MIN_SECRET_LENGTH ||
    text.length > MAX_SECRET_LENGTH
  )
    throw new AppError('config.invalid', {
      faults: [
        `${setting}: ${String(file)} does not hold ${MIN_SECRET_LENGTH} to ${MAX_SECRET_LENGTH} printable characters without spaces`,
      ],
    });
  return text;
}

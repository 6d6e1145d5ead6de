import { readFile } from 'node:fs/promises';
import type { Config } from '../config.ts';
import { AppError } from '../errors.ts';
import type { NatsAddress } from '../runtime/nats-link.ts';

/** What decides how a command reaches the log's server. */
export const NATS_SETTINGS = [
  'EIREL_NATS_URL',
  'EIREL_NATS_USER',
  'EIREL_NATS_PASSWORD_FILE',
] as const satisfies readonly (keyof Config)[];

/** How this process signs in at NATS; the inbox prefix goes with the user, as the server's permissions ask. */
export async function natsAddress(config: Config, name: string): Promise<NatsAddress> {
  const {
    EIREL_NATS_URL: url,
    EIREL_NATS_USER: user = '',
    EIREL_NATS_PASSWORD_FILE: file,
  } = config;
  const pass = file === undefined ? '' : await readPassword(file);
  return { url, user, pass, inboxPrefix: user === '' ? '_INBOX' : `_INBOX_${user}`, name };
}

async function readPassword(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw new AppError(
      'config.invalid',
      { faults: [`EIREL_NATS_PASSWORD_FILE: ${file} can't be read`] },
      { cause },
    );
  }
}

import { randomBytes } from 'node:crypto';
import { access, constants, type FileHandle, open, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, isSystemError } from '../errors.ts';
import { SECRET_BYTES } from '../events/run-key.ts';
import { makePrivateFile, makePrivateFolder } from './private-folder.ts';

/** The secrets of a validator's log, 32 bytes each. */
export type LogSecrets = Readonly<{
  /** Ed25519 seed of the key that signs this log's checkpoints. */
  logSeed: Uint8Array;
  /** Ed25519 seed of the key that cosigns other logs' checkpoints. */
  witnessSeed: Uint8Array;
  /** What the keys of sealed runs are derived from. */
  sealSecret: Uint8Array;
}>;

/** Their files' names in a signing directory. */
export const SECRET_FILES = ['log.key', 'witness.key', 'seal.key'] as const;

/** A secret in hex with a line end; a longer file is another one. */
const MAX_FILE_BYTES = 256;

/**
 * Reads the secrets in a signing directory. Throws `key.invalid`, which names the file and what is wrong
 * with it, also where one is missing; nothing of a secret is in any message.
 */
export async function readLogSecrets(dir: string): Promise<LogSecrets> {
  const [logSeed, witnessSeed, sealSecret] = await Promise.all([
    readSecret(join(dir, 'log.key')),
    readSecret(join(dir, 'witness.key')),
    readSecret(join(dir, 'seal.key')),
  ]);
  return { logSeed, witnessSeed, sealSecret };
}

/** Makes the secrets that are missing, durably, and reads all: for a log that is about to begin. */
export async function createLogSecrets(dir: string): Promise<LogSecrets> {
  await makePrivateFolder(dir);
  for (const name of SECRET_FILES) {
    const secret = `${randomBytes(SECRET_BYTES).toString('hex')}\n`;
    // One that is there is kept: a beginning that broke off goes on with it.
    await makePrivateFile(join(dir, name), (draft) => writeFile(draft, secret));
  }
  return readLogSecrets(dir);
}

/**
 * The sealing secret alone, for whoever only reads the log; null where there is none, or none that this user may
 * read. Throws `key.invalid` for a file that is something else.
 */
export async function readSealSecret(dir: string): Promise<Uint8Array | null> {
  const file = join(dir, 'seal.key');
  try {
    await access(file, constants.R_OK);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].some((code) => isSystemError(error, code))) return null;
    throw error;
  }
  return readSecret(file);
}

/** The secrets' files that are in a signing directory: none where there is no such directory. */
export async function heldLogSecrets(dir: string): Promise<readonly string[]> {
  const held = await Promise.all(SECRET_FILES.map((name) => isThere(join(dir, name))));
  return SECRET_FILES.filter((_, index) => held[index]);
}

async function readSecret(file: string): Promise<Uint8Array> {
  const text = await readPrivateText(file);
  const expected = `${2 * SECRET_BYTES} lower-case hex digits`;
  if (!/^[0-9a-f]{64}\n?$/.test(text)) throw new AppError('key.invalid', { file, expected });
  return Buffer.from(text.trimEnd(), 'hex');
}

async function readPrivateText(file: string): Promise<string> {
  try {
    await using handle = await open(file, 'r');
    await check(file, handle);
    return await handle.readFile('latin1');
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    const next = 'it belongs to the signing database beside it: copy both from the same place';
    throw new AppError('key.invalid', { file, expected: 'a readable file', next }, { cause });
  }
}

/** Asks the opened file, not the path: what is checked is what is read. */
async function check(file: string, handle: FileHandle): Promise<void> {
  const stats = await handle.stat();
  const { mode, size } = stats;
  if (!stats.isFile()) throw new AppError('key.invalid', { file, expected: 'a regular file' });
  if ((mode & 0o077) !== 0)
    throw new AppError('key.invalid', {
      file,
      value: `mode ${(mode & 0o777).toString(8)}`,
      expected: 'readable by its owner only',
      next: `chmod 600 ${file}`,
    });
  if (size > MAX_FILE_BYTES)
    throw new AppError('key.invalid', {
      file,
      value: `${size} bytes`,
      expected: `at most ${MAX_FILE_BYTES} bytes`,
    });
}

async function isThere(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return false;
    throw error;
  }
}

import { type FileHandle, open } from 'node:fs/promises';
import { AppError } from '../errors.ts';

/** A key file has 600 bytes; one that is far longer is another file. */
const MAX_SECRET_FILE_BYTES = 16_384;

/**
 * Reads a file that holds a secret: a regular file that only its owner can read, or that is mounted for us. Throws `key.invalid`, which
 * names the file and what is wrong with it; nothing of its content is in any message.
 */
export async function readSecretFile(path: string): Promise<Buffer> {
  try {
    await using handle = await open(path, 'r');
    await check(path, handle);
    return await handle.readFile();
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError('key.invalid', { file: path, expected: 'a readable file' }, { cause });
  }
}

/** Asks the opened file, not the path: what is checked is what is read. */
async function check(path: string, handle: FileHandle): Promise<void> {
  const stat = await handle.stat();
  if (!stat.isFile()) throw new AppError('key.invalid', { file: path, expected: 'a regular file' });
  if (!isKeptPrivate(stat, process.getuid?.() ?? null))
    throw new AppError('key.invalid', {
      file: path,
      value: `mode ${(stat.mode & 0o777).toString(8)}`,
      expected: 'readable by its owner only',
      next: `chmod 600 ${path}`,
    });
  if (stat.size > MAX_SECRET_FILE_BYTES)
    throw new AppError('key.invalid', {
      file: path,
      value: `${stat.size} bytes`,
      expected: `at most ${MAX_SECRET_FILE_BYTES} bytes`,
    });
}

/**
 * Whether nobody but its owner can read a file, or nobody but root, who owns it, and one group, which may only read it:
 * so a cluster mounts a secret for a process that is not root. `self` is our user's number.
 */
export function isKeptPrivate(
  { mode, uid }: Readonly<{ mode: number; uid: number }>,
  self: number | null,
): boolean {
  const mounted = uid === ROOT && self !== null && self !== ROOT;
  return (mode & (mounted ? 0o037 : 0o077)) === 0;
}

const ROOT = 0;

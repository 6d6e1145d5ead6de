import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { sha256 } from '#src/events/hash.ts';
import { scratchDirectory } from './scratch-directory.ts';

const execute = promisify(execFile);

/** A submission's archive of the given files, made by the system's own tar, with its SHA-256. */
export async function minerArchive(
  files: Readonly<Record<string, string>>,
): Promise<Readonly<{ bytes: Uint8Array; archive: string }>> {
  await using scratch = await scratchDirectory();
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(scratch.path, name)), { recursive: true });
    await writeFile(join(scratch.path, name), text);
  }
  const { stdout } = await execute('tar', ['-czf', '-', '-C', scratch.path, '.'], {
    encoding: 'buffer',
  });
  return { bytes: stdout, archive: sha256(stdout) };
}

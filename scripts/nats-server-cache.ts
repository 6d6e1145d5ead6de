import { chmod, copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { checkNatsServer } from '../src/runtime/nats-server-version.ts';

/**
 * Puts a fetched nats-server at `target` and gives its version. It appears there whole and only if it
 * runs here and is new enough; otherwise this throws.
 */
export async function installNatsServer(binary: string, target: string): Promise<string> {
  await mkdir(dirname(target), { recursive: true });
  const staged = `${target}.${process.pid}`;
  try {
    await copyFile(binary, staged);
    await chmod(staged, 0o755);
    const checked = await checkNatsServer(staged);
    if ('refusal' in checked) throw new Error(`the fetched nats-server ${checked.refusal}`);
    await rename(staged, target);
    return checked.version;
  } finally {
    await rm(staged, { force: true });
  }
}

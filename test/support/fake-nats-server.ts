import { chmod, writeFile } from 'node:fs/promises';

/** Writes a program that answers --version like the nats-server of that version, and gives its path. */
export async function fakeNatsServer(path: string, version: string): Promise<string> {
  await writeFile(path, `#!/bin/sh\necho "nats-server: v${version}"\n`);
  await chmod(path, 0o755);
  return path;
}

import { readFile } from 'node:fs/promises';

/** The interpreter of the system: one in somebody's home could not be seen from inside. */
export const PYTHON = '/usr/bin/python3';

/** The two programs of a sandbox: what builds it, and its first process. */
export type SandboxSources = Readonly<{ root: string; init: string }>;

/** Reads the programs that lie beside this file: they are handed over as text, since nobody may read the folder. */
export async function readSandboxSources(): Promise<SandboxSources> {
  const [root, confine, init] = await Promise.all(
    ['root.sh', 'confine.py', 'init.py'].map((name) =>
      readFile(new URL(name, import.meta.url), 'utf8'),
    ),
  );
  return { root: root ?? '', init: `${confine}\n${init}` };
}

import { open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isSystemError } from '../errors.ts';
import type { Projector } from '../projectors/projector.ts';

type Named = Pick<Projector, 'name' | 'version'>;

/** One file of a projection: `<name>.v<version>.g<generation>.db`. */
export type Generation = Readonly<{ version: number; generation: number; file: string }>;

/** The file that `<name>.current` names; null when there is none yet, or when it is gone. */
export async function currentGeneration(name: string, dir: string): Promise<Generation | null> {
  const pointed = parse(name, (await readPointer(name, dir)).trimEnd());
  if (pointed === null) return null;
  return (await generations(name, dir)).find(({ file }) => file === pointed.file) ?? null;
}

/** A file name that no generation of this version has, behind all of them. */
export async function nextGeneration({ name, version }: Named, dir: string): Promise<Generation> {
  const taken = (await generations(name, dir)).filter((other) => other.version === version);
  const generation = Math.max(0, ...taken.map((other) => other.generation)) + 1;
  return { version, generation, file: `${name}.v${version}.g${generation}.db` };
}

/** Points `<name>.current` to a file, at once or not at all: whoever opens next takes the old one or the new. */
export async function switchTo(name: string, dir: string, { file }: Generation): Promise<void> {
  const pointer = join(dir, `${name}.current`);
  const fresh = `${pointer}.new`;
  const handle = await open(fresh, 'w');
  try {
    await handle.writeFile(`${file}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(fresh, pointer);
}

/** Removes every generation but those named: old ones, and builds that never ended. Who has one open keeps it. */
export async function removeOthers(
  name: string,
  dir: string,
  keep: readonly string[],
): Promise<void> {
  for (const { file } of await generations(name, dir)) {
    if (!keep.includes(file)) await removeGeneration(dir, file);
  }
}

/** Removes a database together with its write-ahead log. */
export async function removeGeneration(dir: string, file: string): Promise<void> {
  for (const suffix of ['', '-wal', '-shm']) await rm(join(dir, file + suffix), { force: true });
}

async function generations(name: string, dir: string): Promise<readonly Generation[]> {
  return (await readdir(dir)).flatMap((entry) => parse(name, entry) ?? []);
}

function parse(name: string, file: string): Generation | null {
  if (!file.startsWith(`${name}.v`)) return null;
  const match = /^v([0-9]{1,9})\.g([0-9]{1,9})\.db$/.exec(file.slice(name.length + 1));
  return match && { version: Number(match[1]), generation: Number(match[2]), file };
}

async function readPointer(name: string, dir: string): Promise<string> {
  try {
    return await readFile(join(dir, `${name}.current`), 'utf8');
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT')) return '';
    throw cause;
  }
}

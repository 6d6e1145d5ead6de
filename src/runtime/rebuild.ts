import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../errors.ts';
import type { Head } from '../events/envelope.ts';
import type { LogReader } from '../events/log.ts';
import type { Projector } from '../projectors/projector.ts';
import { openProjectionFile } from './projection.ts';
import { nextGeneration, removeGeneration, switchTo } from './projection-files.ts';
import { feed } from './projection-pump.ts';

export type RebuildOptions = Readonly<{
  dir: string;
  /** Called after each batch with the number of events applied and of those to apply. */
  onProgress: (done: number, total: number) => void;
  signal: AbortSignal;
}>;

/**
 * Derives a projection anew from the start of the log, in a new file beside the one in use, and
 * makes it the current one when it holds all that the log held at the start. A running validator
 * keeps the file that it opened and takes the new one at its next start. Gives the new file's
 * checkpoint. On a failure or an abort nothing has changed.
 */
export async function rebuildProjection(
  projector: Projector,
  log: LogReader,
  { dir, onProgress, signal }: RebuildOptions,
): Promise<Head> {
  await mkdir(dir, { recursive: true });
  const fresh = await nextGeneration(projector, dir);
  const file = join(dir, fresh.file);
  try {
    const head = await build(projector, log, { file, onProgress, signal });
    await access(file).catch((cause: unknown) => {
      const next = 'a validator that started meanwhile removed the unfinished build: rebuild again';
      throw new AppError('projection.damaged', { file, found: 'no file', next }, { cause });
    });
    await switchTo(projector.name, dir, fresh);
    return head;
  } catch (cause) {
    await removeGeneration(dir, fresh.file);
    throw cause;
  }
}

async function build(
  projector: Projector,
  log: LogReader,
  { file, onProgress, signal }: Omit<RebuildOptions, 'dir'> & { file: string },
): Promise<Head> {
  await using projection = await openProjectionFile(projector, { file, source: log.source });
  const total = (await log.head()).size;
  const onApplied = (): void => onProgress(projection.head.size, total);
  await feed(log, [projection], { signal, follow: false, onApplied });
  signal.throwIfAborted();
  return projection.head;
}

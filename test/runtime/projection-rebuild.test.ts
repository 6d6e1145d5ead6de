import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { openProjection } from '#src/runtime/projection.ts';
import { rebuildProjection } from '#src/runtime/rebuild.ts';

import { counter, countOf } from '../support/counter-projector.ts';
import { logOf, recordAll, repeat, SOURCE, scoresRecorded } from '../support/recorded-events.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

const EVENTS = 1_234;
const events = scoresRecorded(EVENTS);
const all = { events: EVENTS, exactlyOnce: true };
const quiet = { onProgress: () => undefined, signal: new AbortController().signal };

describe('a rebuild', () => {
  test('fills the next generation while the old one is read and written, and switches', async () => {
    await using directory = await scratchDirectory();
    const dir = directory.path;
    const place = { dir, source: SOURCE };
    const log = logOf(events);
    await using running = await openProjection(counter, place);
    await running.apply(recordAll(events.slice(0, 700)));
    const head = await rebuildProjection(counter, log, { ...quiet, dir });
    expect(head).toEqual(await log.head());
    expect(await pointer(dir)).toBe('counter.v1.g2.db');

    // The running one keeps its file.
    expect(await countOf(running.queries)).toEqual({ events: 700, exactlyOnce: true });
    await running.apply(recordAll(events));
    expect(await countOf(running.queries)).toEqual(all);

    await using restarted = await openProjection(counter, place);
    expect(restarted.head).toEqual(head);
    expect(await countOf(restarted.queries)).toEqual(all);
    expect(await databases(dir)).toEqual(['counter.v1.g2.db']);
    expect(await countOf(running.queries)).toEqual(all);
  });

  test('starts from the log alone, whatever the old file holds', async () => {
    await using directory = await scratchDirectory();
    const dir = directory.path;
    {
      await using foreign = await openProjection(counter, { dir, source: 'another log' });
      expect(foreign.head.size).toBe(0);
    }
    await rebuildProjection(counter, logOf(events), { ...quiet, dir });
    await using projection = await openProjection(counter, { dir, source: SOURCE });
    expect(await countOf(projection.queries)).toEqual(all);
  });

  test('of a raised version can be done before its first start', async () => {
    await using directory = await scratchDirectory();
    const dir = directory.path;
    await using running = await openProjection(counter, { dir, source: SOURCE });
    const raised = { ...counter, version: 2 };
    await rebuildProjection(raised, logOf(events), { ...quiet, dir });
    await running.apply(recordAll(events.slice(0, 9)));
    await using projection = await openProjection(raised, { dir, source: SOURCE });
    expect(await countOf(projection.queries)).toEqual(all);
    expect(await countOf(running.queries)).toEqual({ events: 9, exactlyOnce: true });
  });

  test('works in a directory that does not exist yet', async () => {
    await using directory = await scratchDirectory();
    const dir = join(directory.path, 'deep', 'projections');
    await rebuildProjection(counter, logOf(events), { ...quiet, dir });
    expect(await databases(dir)).toEqual(['counter.v1.g1.db']);
  });

  test('tells its progress up to the size that the log had at its start', async () => {
    await using directory = await scratchDirectory();
    const progress: (readonly number[])[] = [];
    const onProgress = (done: number, total: number): void => void progress.push([done, total]);
    await rebuildProjection(counter, logOf(events), { ...quiet, dir: directory.path, onProgress });
    expect(progress).toEqual([
      [500, EVENTS],
      [1_000, EVENTS],
      [EVENTS, EVENTS],
    ]);
  });

  test('is the same as what the projection was before', async () => {
    await using directory = await scratchDirectory();
    const dir = directory.path;
    const place = { dir, source: SOURCE };
    await using before = await openProjection(counter, place);
    await before.apply(recordAll(events));
    await rebuildProjection(counter, logOf(events), { ...quiet, dir });
    await using after = await openProjection(counter, place);
    const dump = 'SELECT * FROM tally ORDER BY n';
    expect(await after.queries.all(dump)).toEqual(await before.queries.all(dump));
  });
});

describe('a rebuild that does not end changes nothing', () => {
  test('because the log is broken', async () => {
    await using directory = await scratchDirectory();
    const dir = directory.path;
    await using running = await openProjection(counter, { dir, source: SOURCE });
    await running.apply(recordAll(events.slice(0, 9)));
    const { disk, ...log } = logOf(events);
    repeat(disk, 600);
    const rebuild = rebuildProjection(counter, log, { ...quiet, dir });
    await expect(rebuild).rejects.toMatchObject({ code: 'log.broken', details: { index: 600 } });
    expect(await pointer(dir)).toBe('counter.v1.g1.db');
    expect(await databases(dir)).toEqual(['counter.v1.g1.db']);
  });

  test('because it was aborted', async () => {
    await using directory = await scratchDirectory();
    const dir = directory.path;
    await using _running = await openProjection(counter, { dir, source: SOURCE });
    const stop = new AbortController();
    const onProgress = (): void => stop.abort(new Error('stopped by hand'));
    const rebuild = rebuildProjection(counter, logOf(events), {
      dir,
      onProgress,
      signal: stop.signal,
    });
    await expect(rebuild).rejects.toThrow('stopped by hand');
    expect(await databases(dir)).toEqual(['counter.v1.g1.db']);
  });

  test('because a validator that started meanwhile removed it', async () => {
    await using directory = await scratchDirectory();
    const dir = directory.path;
    const place = { dir, source: SOURCE };
    await using _running = await openProjection(counter, place);
    const removed: Promise<void>[] = [];
    const log = logOf(events);
    const rebuild = rebuildProjection(counter, log, {
      ...quiet,
      dir,
      onProgress: () => void removed.push(rm(join(dir, 'counter.v1.g2.db'), { force: true })),
    });
    await expect(rebuild).rejects.toMatchObject({ code: 'projection.damaged' });
    await Promise.all(removed);
    expect(await pointer(dir)).toBe('counter.v1.g1.db');
  });

  test('because its process died: the next start removes what is left', async () => {
    await using directory = await scratchDirectory();
    const dir = directory.path;
    const place = { dir, source: SOURCE };
    {
      await using projection = await openProjection(counter, place);
      await projection.apply(recordAll(events));
    }
    for (const file of ['counter.v1.g2.db', 'counter.v1.g2.db-wal', 'counter.v1.g2.db-shm']) {
      await writeFile(join(dir, file), 'half a build');
    }
    await using projection = await openProjection(counter, place);
    expect(await countOf(projection.queries)).toEqual(all);
    expect((await readdir(dir)).filter((file) => file.includes('g2'))).toEqual([]);
  });
});

async function pointer(dir: string): Promise<string> {
  return (await readFile(join(dir, 'counter.current'), 'utf8')).trimEnd();
}

async function databases(dir: string): Promise<readonly string[]> {
  return (await readdir(dir)).filter((file) => file.endsWith('.db')).toSorted();
}

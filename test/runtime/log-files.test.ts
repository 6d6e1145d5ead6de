import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodeEntries } from '#src/merkle/tile.ts';
import { hexOf } from '#src/merkle/tree.ts';
import { freeSpace } from '#src/runtime/disk-space.ts';
import { logFiles } from '#src/runtime/log-files.ts';
import type { LogFiles } from '#src/sequencer/log-files.ts';
import { readPublished } from '#src/sequencer/published-file.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { simulatedDisk } from '../support/simulated-disk.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const textOf = async (files: LogFiles, path: string): Promise<string | null> => {
  const read = await files.read(path);
  return read === null ? null : Buffer.from(read).toString();
};

/** The same claims over a real disk and the simulated one, which the simulations rest on. */
const SITES = {
  'a real disk': async () => {
    const scratch = await scratchDirectory();
    return { ...scratch, files: logFiles(scratch.path) };
  },
  'the simulated disk': async () => ({
    files: logFiles('/data', simulatedDisk('/data')),
    [Symbol.asyncDispose]: async () => undefined,
  }),
} as const;

describe.for(['a real disk', 'the simulated disk'] as const)('on %s', (site) => {
  test('published files are read under their paths, and what is not there is nothing', async () => {
    await using opened = await SITES[site]();
    const { files } = opened;
    expect(await files.isEmpty()).toBe(true);
    await files.publish([
      { path: 'tile/0/000.p/3', bytes: bytes('three') },
      { path: 'tile/entries/x001/x234/067', bytes: bytes('entries') },
    ]);
    expect(await files.isEmpty()).toBe(false);
    expect(await textOf(files, 'tile/0/000.p/3')).toBe('three');
    expect(await textOf(files, 'tile/entries/x001/x234/067')).toBe('entries');
    expect(await files.read('tile/0/000')).toBeNull();
    expect(await files.read('checkpoint')).toBeNull();
  });

  test('published bytes never become others', async () => {
    await using opened = await SITES[site]();
    const { files } = opened;
    const file = { path: 'tile/0/000', bytes: bytes('one') };
    await files.publish([file]);
    await files.publish([file]);
    const other = { ...file, bytes: bytes('two') };
    await expect(files.publish([other])).rejects.toMatchObject({ code: 'log.forked' });
    expect(await textOf(files, 'tile/0/000')).toBe('one');
    await files.mend([other]);
    expect(await textOf(files, 'tile/0/000')).toBe('two');
  });

  test('the checkpoint is replaced', async () => {
    await using opened = await SITES[site]();
    const { files } = opened;
    await files.publishCheckpoint(bytes('first'));
    await files.publishCheckpoint(bytes('second'));
    expect(await textOf(files, 'checkpoint')).toBe('second');
  });

  test('the partial forms of a full tile go, and are cut from it from then on', async () => {
    await using opened = await SITES[site]();
    const { files } = opened;
    const published = async (path: string): Promise<string | null> => {
      const read = await readPublished(files, path);
      return read === null ? null : hexOf(read);
    };
    const hashes = Buffer.alloc(256 * 32, 'hash');
    const events = Array.from({ length: 256 }, (_, index) => bytes(`event ${index}`));
    await files.publish([
      { path: 'tile/0/000.p/2', bytes: hashes.subarray(0, 64) },
      { path: 'tile/entries/000.p/2', bytes: encodeEntries(events.slice(0, 2)) },
      { path: 'tile/0/000', bytes: hashes },
      { path: 'tile/entries/000', bytes: encodeEntries(events) },
    ]);
    await files.discardPartials(['tile/0/000', 'tile/entries/000', 'tile/1/000']);
    expect(await files.read('tile/0/000.p/2')).toBeNull();
    expect(await published('tile/0/000.p/2')).toBe(hexOf(hashes.subarray(0, 64)));
    expect(await published('tile/0/000.p/9')).toBe(hexOf(hashes.subarray(0, 288)));
    expect(await published('tile/entries/000.p/2')).toBe(hexOf(encodeEntries(events.slice(0, 2))));
    expect(await published('tile/0/001.p/2')).toBeNull();
    expect(await published('tile/1/000')).toBeNull();
  });

  test('what is staged is listed and read until it is taken away', async () => {
    await using opened = await SITES[site]();
    const { files } = opened;
    expect(await files.staged()).toEqual([]);
    await files.stage('3-abc', bytes('old'));
    await files.stage('3-abc', bytes('new'));
    await files.stage('4-def', bytes('more'));
    expect((await files.staged()).toSorted()).toEqual(['3-abc', '4-def']);
    expect(Buffer.from((await files.readStaged('3-abc')) ?? []).toString()).toBe('new');
    await files.unstage('3-abc');
    await files.unstage('3-abc');
    expect(await files.readStaged('3-abc')).toBeNull();
    expect(await files.staged()).toEqual(['4-def']);
    expect(await files.isEmpty()).toBe(true);
  });
});

test('the folder of a log holds nothing but what is served', async () => {
  await using scratch = await scratchDirectory();
  const files = logFiles(scratch.path);
  await files.stage('3-abc', bytes('staged'));
  await files.publish([{ path: 'tile/0/000', bytes: bytes('tile') }]);
  await files.publishCheckpoint(bytes('note'));
  expect((await readdir(join(scratch.path, 'log'), { recursive: true })).toSorted()).toEqual([
    'checkpoint',
    'tile',
    'tile/0',
    'tile/0/000',
  ]);
  expect(await readdir(join(scratch.path, 'log-staging'))).toEqual(['3-abc']);
});

test('what a process that was killed left half written is no part of the log', async () => {
  await using scratch = await scratchDirectory();
  await mkdir(join(scratch.path, 'log-staging'));
  await writeFile(join(scratch.path, 'log-staging', 'new-1'), 'ha');
  const files = logFiles(scratch.path);
  expect(await files.staged()).toEqual([]);
  await files.publishCheckpoint(bytes('note'));
  expect(await textOf(files, 'checkpoint')).toBe('note');
});

test('the free space of folders is that of the fullest disk', async () => {
  await using scratch = await scratchDirectory();
  const space = await freeSpace([scratch.path, scratch.path]);
  expect(space.totalBytes).toBeGreaterThan(space.freeBytes);
  expect(space.freeBytes).toBeGreaterThan(0);
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { sha256 } from '#src/events/hash.ts';
import { openExistingSigningDatabase, openSigningDatabase } from '#src/runtime/signing-db.ts';
import { openWriter } from '#src/runtime/sqlite.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { IDENTITY } from '../support/signing-identity.ts';

const REPORT = { kind: 'report', family: 'general_chat', run: 'run-7' } as const;
const [ONE, OTHER] = [sha256('one'), sha256('other')];
const SOURCE = 'eirel.network/log/v1/aa/36/5D/0';

describe('nothing that was signed is taken back', () => {
  test('a slot keeps its digest when the database is opened again', async () => {
    await using directory = await scratchDirectory();
    {
      await using database = await openSigningDatabase(directory.path, IDENTITY);
      expect(await database.history.reserve(REPORT, ONE)).toEqual({ kind: 'reserved' });
    }
    await using database = await openSigningDatabase(directory.path, IDENTITY);
    expect(await database.history.reserve(REPORT, ONE)).toEqual({ kind: 'reserved' });
    expect(await database.history.reserve(REPORT, OTHER)).toEqual({
      kind: 'conflict',
      digest: ONE,
    });
  });

  // What the rule in docs/operating.md is for: here only the chain stands against a second signature.
  test('but an older copy of the file that is put back has forgotten what was signed since', async () => {
    await using directory = await scratchDirectory();
    const file = join(directory.path, 'signing.db');
    await (await openSigningDatabase(directory.path, IDENTITY))[Symbol.asyncDispose]();
    await copyFile(file, `${file}.backup`);
    for (const digest of [ONE, OTHER]) {
      const database = await openSigningDatabase(directory.path, IDENTITY);
      expect(await database.history.reserve(REPORT, digest)).toEqual({ kind: 'reserved' });
      await database[Symbol.asyncDispose]();
      await copyFile(`${file}.backup`, file);
    }
  });

  test('a lock never goes back, nor to another root of its size', async () => {
    await using directory = await scratchDirectory();
    await using database = await openSigningDatabase(directory.path, IDENTITY);
    const { lock } = database;
    const at = (size: number, root = sha256(`root ${size}`)) => ({
      source: SOURCE,
      size,
      root,
      note: 'note',
      time: '2026-11-23T09:41:04.915Z',
    });
    await lock.begin(at(5));
    for (const to of [at(4), at(5, OTHER)])
      await expect(lock.advance(at(5), to)).rejects.toThrow('a lock does not go back');
    expect(await lock.advance(at(5), { ...at(5), note: 'signed anew' })).toBe('advanced');
  });

  test('a cosigned log never goes back, nor to another root of its size', async () => {
    await using directory = await scratchDirectory();
    await using database = await openSigningDatabase(directory.path, IDENTITY);
    const { witnessState } = database;
    const at = (size: number, root = sha256(`root ${size}`)) => ({
      origin: SOURCE,
      size,
      root,
      note: 'note',
    });
    await witnessState.advance(null, at(5));
    for (const to of [at(4), at(5, OTHER)])
      await expect(witnessState.advance(at(5), to)).rejects.toThrow('does not go back');
    expect(await witnessState.read(SOURCE)).toEqual(at(5));
  });
});

describe('the file', () => {
  test('is made once, whole, for its owner alone', async () => {
    await using directory = await scratchDirectory();
    const dir = join(directory.path, 'a', 'signing');
    for (const created of [true, false]) {
      await using database = await openSigningDatabase(dir, IDENTITY);
      expect(database.created).toBe(created);
    }
    expect(await readdir(dir)).toEqual(['signing.db']);
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
    expect((await stat(join(dir, 'signing.db'))).mode & 0o777).toBe(0o600);
  });

  test('is open once: a second opening is refused at once, and the first goes on', async () => {
    await using directory = await scratchDirectory();
    await using first = await openSigningDatabase(directory.path, IDENTITY);
    const since = performance.now();
    await expect(openSigningDatabase(directory.path, IDENTITY)).rejects.toMatchObject({
      code: 'log.conflict',
      details: { found: 'another process has it open' },
    });
    expect(performance.now() - since).toBeLessThan(1_000);
    expect(await first.history.reserve(REPORT, ONE)).toEqual({ kind: 'reserved' });
  });

  test('of many that are opened at once, before there is one, one is at most, and then the next', async () => {
    await using directory = await scratchDirectory();
    const all = await Promise.allSettled(
      Array.from({ length: 8 }, () => openSigningDatabase(directory.path, IDENTITY)),
    );
    const opened = all.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    for (const each of opened) await each[Symbol.asyncDispose]();
    expect(opened.length).toBeLessThanOrEqual(1);
    for (const each of all)
      if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'log.conflict' });
    await using next = await openSigningDatabase(directory.path, IDENTITY);
    expect(next.created).toBe(false);
  });

  test.for([
    { field: 'genesis', value: sha256('another network') },
    { field: 'netuid', value: 37 },
    { field: 'hotkey', value: '5ECAjmfGqXdwsQgL9oag4Z4c9AXZuR3EEdXXCiHuQ9VAjekx' },
  ])('of another $field is refused', async ({ field, value }) => {
    await using directory = await scratchDirectory();
    await (await openSigningDatabase(directory.path, IDENTITY))[Symbol.asyncDispose]();
    await expect(
      openSigningDatabase(directory.path, { ...IDENTITY, [field]: value }),
    ).rejects.toMatchObject({ code: 'config.invalid' });
  });

  test('that has to be there is not made', async () => {
    await using directory = await scratchDirectory();
    await expect(openExistingSigningDatabase(directory.path, IDENTITY)).rejects.toMatchObject({
      code: 'file.unreadable',
    });
    expect(await readdir(directory.path)).toEqual([]);
  });

  test.for([
    { title: 'cut to nothing', damage: (file: string) => writeFile(file, '') },
    { title: 'cut in the middle', damage: cutInTheMiddle },
    { title: 'with a page of zeros', damage: zeroAPage },
    { title: 'no database', damage: (file: string) => writeFile(file, 'x'.repeat(9_000)) },
    { title: 'another database', damage: anotherDatabase },
    { title: 'gone, but for its write-ahead log', damage: leaveTheLog },
  ])('$title is refused, and no new one is made', async ({ damage }) => {
    await using directory = await scratchDirectory();
    const file = join(directory.path, 'signing.db');
    {
      await using database = await openSigningDatabase(directory.path, IDENTITY);
      for (let run = 0; run < 200; run++)
        await database.history.reserve({ ...REPORT, run: `run-${run}` }, ONE);
    }
    await damage(file);
    for (const _attempt of [1, 2])
      await expect(openSigningDatabase(directory.path, IDENTITY)).rejects.toMatchObject({
        code: 'log.forked',
        details: { file, next: expect.stringContaining('older copy') },
      });
  });

  test('in the place of whose directory is a file is told as such', async () => {
    await using directory = await scratchDirectory();
    const file = join(directory.path, 'signing');
    await writeFile(file, '');
    await expect(openSigningDatabase(file, IDENTITY)).rejects.toMatchObject({
      code: 'file.unreadable',
      details: { next: 'see EIREL_SIGNING_DIR' },
    });
  });
});

async function cutInTheMiddle(file: string): Promise<void> {
  await writeFile(file, (await readFile(file)).subarray(0, 10_000));
}

async function zeroAPage(file: string): Promise<void> {
  const bytes = await readFile(file);
  await writeFile(file, bytes.fill(0, bytes.length - 4_096));
}

async function anotherDatabase(file: string): Promise<void> {
  await rm(file);
  await using database = await openWriter(file);
  await database.transaction(['CREATE TABLE signed (id INTEGER PRIMARY KEY) STRICT']);
}

async function leaveTheLog(file: string): Promise<void> {
  await rm(file);
  await writeFile(`${file}-wal`, 'what was not yet in the file');
}

test('what a killed process was told is durable is there', async () => {
  await using directory = await scratchDirectory();
  const script = fileURLToPath(new URL('../support/sign-for-ever.ts', import.meta.url));
  const child = spawn(process.execPath, [script, directory.path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let told = 0;
  for await (const line of createInterface(child.stdout)) {
    expect(line).toMatch(/^[0-9]+ \[\{"kind":"reserved"\},"advanced","advanced"\]$/);
    told = Number.parseInt(line, 10);
    if (told === 25) child.kill('SIGKILL');
  }
  await once(child, 'exit').catch(() => undefined);
  await using database = await openSigningDatabase(directory.path, IDENTITY);
  expect(database.created).toBe(false);
  for (let size = 1; size <= told; size++) {
    const slot = { ...REPORT, run: `run-${size}` };
    expect(await database.history.reserve(slot, OTHER)).toEqual({
      kind: 'conflict',
      digest: sha256(`report ${size}`),
    });
  }
  expect((await database.lock.read('log'))?.size).toBeGreaterThanOrEqual(told);
  expect((await database.witnessState.read('peer'))?.size).toBeGreaterThanOrEqual(told);
});

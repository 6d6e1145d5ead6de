import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
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
const locked = (size: number, root = sha256(`root ${size}`)) => ({
  source: SOURCE,
  size,
  root,
  note: `note of ${size}`,
  time: '2026-11-23T09:41:04.915Z',
});
const cosigned = (size: number, root = sha256(`root ${size}`)) => ({
  origin: SOURCE,
  size,
  root,
  note: `note of ${size}`,
});

describe('the signing history', () => {
  test('gives a slot to the first digest for ever, and to no other', async () => {
    await using directory = await scratchDirectory();
    for (const _opening of [1, 2]) {
      await using database = await openSigningDatabase(directory.path, IDENTITY);
      const { reserve } = database.history;
      expect(await reserve(REPORT, ONE)).toEqual({ kind: 'reserved' });
      expect(await reserve(REPORT, ONE)).toEqual({ kind: 'reserved' });
      expect(await reserve(REPORT, OTHER)).toEqual({ kind: 'conflict', digest: ONE });
    }
  });

  test('keeps kinds, families and runs apart', async () => {
    await using directory = await scratchDirectory();
    await using database = await openSigningDatabase(directory.path, IDENTITY);
    const slots = [
      REPORT,
      { ...REPORT, kind: 'commitment' },
      { ...REPORT, kind: 'decision' },
      { ...REPORT, family: 'another' },
      { ...REPORT, run: 'run-70' },
      { ...REPORT, run: 'run-6' },
    ] as const;
    for (const [index, slot] of slots.entries())
      expect(await database.history.reserve(slot, sha256(`${index}`))).toEqual({
        kind: 'reserved',
      });
  });

  test('of reservations at once in one slot one succeeds', async () => {
    await using directory = await scratchDirectory();
    await using database = await openSigningDatabase(directory.path, IDENTITY);
    const digests = Array.from({ length: 20 }, (_, index) => sha256(`${index}`));
    const all = await Promise.all(digests.map((each) => database.history.reserve(REPORT, each)));
    expect(all.filter(({ kind }) => kind === 'reserved')).toHaveLength(1);
  });
});

describe('the lock', () => {
  test('moves only from what it holds, and never back', async () => {
    await using directory = await scratchDirectory();
    await using database = await openSigningDatabase(directory.path, IDENTITY);
    const { lock } = database;
    expect(await lock.read(SOURCE)).toBeNull();
    expect(await lock.sources()).toEqual([]);
    expect(await lock.advance(locked(1), locked(2))).toBe('stale');
    expect(await lock.begin(locked(1))).toBe('begun');
    expect(await lock.begin(locked(1))).toBe('exists');
    expect(await lock.sources()).toEqual([SOURCE]);
    expect(await lock.advance(locked(1), locked(5))).toBe('advanced');
    expect(await lock.advance(locked(1), locked(6))).toBe('stale');
    expect(await lock.advance(locked(5, OTHER), locked(6))).toBe('stale');
    expect(await lock.advance({ ...locked(5), note: 'another' }, locked(6))).toBe('stale');
    expect(await lock.read(SOURCE)).toEqual(locked(5));
    await expect(lock.advance(locked(5), locked(4))).rejects.toThrow('a lock does not go back');
    await expect(lock.advance(locked(5), locked(5, OTHER))).rejects.toThrow('does not go back');
    expect(await lock.read(SOURCE)).toEqual(locked(5));
  });

  test('of two writers with one state one goes on', async () => {
    await using directory = await scratchDirectory();
    await using database = await openSigningDatabase(directory.path, IDENTITY);
    await database.lock.begin(locked(1));
    const both = [locked(2), locked(2, OTHER)].map((to) => database.lock.advance(locked(1), to));
    expect(await Promise.all(both)).toEqual(['advanced', 'stale']);
  });
});

describe('what was cosigned of other logs', () => {
  test('moves only from the size and root that it holds, and never back', async () => {
    await using directory = await scratchDirectory();
    await using database = await openSigningDatabase(directory.path, IDENTITY);
    const { witnessState: state } = database;
    expect(await state.read(SOURCE)).toBeNull();
    expect(await state.find(sha256(SOURCE))).toBeNull();
    expect(await state.advance(cosigned(1), cosigned(2))).toBe('stale');
    expect(await state.advance(null, cosigned(1))).toBe('advanced');
    expect(await state.advance(null, cosigned(2))).toBe('stale');
    expect(await state.advance({ ...cosigned(1), note: 'another' }, cosigned(3))).toBe('advanced');
    expect(await state.advance(cosigned(1), cosigned(4))).toBe('stale');
    expect(await state.advance(cosigned(3, OTHER), cosigned(4))).toBe('stale');
    await expect(state.advance(cosigned(3), cosigned(2))).rejects.toThrow('does not go back');
    expect(await state.read(SOURCE)).toEqual(cosigned(3));
    expect(await state.find(sha256(SOURCE))).toEqual(cosigned(3));
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

  test('of many that are opened at once, before there is one, one is', async () => {
    await using directory = await scratchDirectory();
    const all = await Promise.allSettled(
      Array.from({ length: 8 }, () => openSigningDatabase(directory.path, IDENTITY)),
    );
    const opened = all.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    for (const each of opened) await each[Symbol.asyncDispose]();
    expect(opened).toHaveLength(1);
    for (const each of all)
      if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'log.conflict' });
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

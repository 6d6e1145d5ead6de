import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  IN_MEMORY,
  jsonLiteral,
  openReader,
  openSoleWriter,
  openWriter,
} from '#src/runtime/sqlite.ts';

import { scratchDirectory } from '../support/scratch-directory.ts';

const TABLE = 'CREATE TABLE item (id INTEGER PRIMARY KEY) STRICT';
const ALL = 'SELECT id FROM item ORDER BY id';

describe('a transaction', () => {
  test('commits all of its statements', async () => {
    await using writer = await openWriter(IN_MEMORY);
    await writer.transaction([TABLE, 'INSERT INTO item VALUES (1)', 'INSERT INTO item VALUES (2)']);
    expect(await writer.all(ALL)).toEqual([{ id: 1 }, { id: 2 }]);
  });

  test('leaves nothing of a script whose last statement fails, and the connection goes on', async () => {
    await using writer = await openWriter(IN_MEMORY);
    await writer.transaction([TABLE, 'INSERT INTO item VALUES (1)']);
    const failing = ['INSERT INTO item VALUES (2)', 'INSERT INTO item VALUES (1)'];
    await expect(writer.transaction(failing)).rejects.toThrow('UNIQUE constraint failed: item.id');
    expect(await writer.all(ALL)).toEqual([{ id: 1 }]);
    await writer.transaction(['INSERT INTO item VALUES (3)']);
    expect(await writer.all(ALL)).toEqual([{ id: 1 }, { id: 3 }]);
  });

  test('leaves nothing of a script that ends its own transaction early', async () => {
    await using writer = await openWriter(IN_MEMORY);
    await writer.transaction([TABLE]);
    const aborting = ['INSERT INTO item VALUES (2)', 'INSERT OR ROLLBACK INTO item VALUES (2)'];
    await expect(writer.transaction(aborting)).rejects.toThrow('UNIQUE constraint failed');
    expect(await writer.all(ALL)).toEqual([]);
    await writer.transaction(['INSERT INTO item VALUES (3)']);
    expect(await writer.all(ALL)).toEqual([{ id: 3 }]);
  });

  test('runs in the order of the calls, also when nobody waits for the one before', async () => {
    await using writer = await openWriter(IN_MEMORY);
    const calls = [
      writer.transaction([TABLE]),
      writer.transaction(['INSERT INTO item VALUES (1)']),
      writer.transaction(['no statement']).catch(() => 'refused'),
      writer.transaction(['UPDATE item SET id = id + 10']),
    ];
    const rows = writer.all(ALL);
    await Promise.all(calls);
    expect(await rows).toEqual([{ id: 11 }]);
  });

  test('is finished before the connection closes', async () => {
    await using directory = await scratchDirectory();
    const file = join(directory.path, 'a.db');
    {
      await using writer = await openWriter(file);
      void writer.transaction([TABLE, 'INSERT INTO item VALUES (7)']);
    }
    await using reader = await openReader(file);
    expect(await reader.all(ALL)).toEqual([{ id: 7 }]);
  });
});

describe('queries', () => {
  test('by the hundred, each asked again later, give their own rows, and the connection closes', async () => {
    await using directory = await scratchDirectory();
    const file = join(directory.path, 'a.db');
    {
      await using writer = await openWriter(file);
      await writer.transaction([TABLE, 'INSERT INTO item VALUES (1)']);
      for (const time of ['first', 'second'])
        for (let index = 0; index < 200; index++)
          expect(
            await writer.all(`SELECT id + ${index} + ?1 AS sum FROM item`, [1_000]),
            time,
          ).toEqual([{ sum: 1_001 + index }]);
    }
    await using again = await openSoleWriter(file, (_, cause) => cause);
    expect(await again.all(ALL)).toEqual([{ id: 1 }]);
  });

  test('that failed for one parameter are answered for another, and after the table has changed', async () => {
    await using writer = await openWriter(IN_MEMORY);
    await writer.transaction([TABLE, 'INSERT INTO item VALUES (1)']);
    const asked = 'SELECT *, json(?1) AS given FROM item';
    await expect(writer.all(asked, ['{'])).rejects.toThrow('malformed JSON');
    expect(await writer.all(asked, ['{}'])).toEqual([{ id: 1, given: '{}' }]);
    await writer.transaction(['ALTER TABLE item ADD COLUMN name TEXT']);
    expect(await writer.all(asked, ['{}'])).toEqual([{ id: 1, name: null, given: '{}' }]);
  });
});

describe('a reader', () => {
  test('sees what the writer committed while it stays open', async () => {
    await using directory = await scratchDirectory();
    const file = join(directory.path, 'a.db');
    await using writer = await openWriter(file);
    await writer.transaction([TABLE]);
    await using reader = await openReader(file);
    expect(await reader.all(ALL)).toEqual([]);
    await writer.transaction(['INSERT INTO item VALUES (1)']);
    expect(await reader.all(ALL)).toEqual([{ id: 1 }]);
  });

  test('cannot write', async () => {
    await using directory = await scratchDirectory();
    const file = join(directory.path, 'a.db');
    await using writer = await openWriter(file);
    await writer.transaction([TABLE]);
    await using reader = await openReader(file);
    await expect(reader.all('INSERT INTO item VALUES (1)')).rejects.toThrow('readonly');
    expect(await writer.all(ALL)).toEqual([]);
  });

  test('binds parameters by number', async () => {
    await using writer = await openWriter(IN_MEMORY);
    const rows = await writer.all('SELECT ?2 AS b, ?1 AS a, ?3 AS c', ["it's", 42, null]);
    expect(rows).toEqual([{ a: "it's", b: 42, c: null }]);
  });
});

describe('a sole writer', () => {
  test('has every transaction on disk when it resolves', async () => {
    await using file = await emptyDatabase();
    await using writer = await openSoleWriter(file.path, told);
    // 2 is FULL: with a write-ahead log a sync at each commit.
    expect(await writer.all('PRAGMA synchronous')).toEqual([{ synchronous: 2 }]);
    expect(await writer.all('PRAGMA journal_mode')).toEqual([{ journal_mode: 'wal' }]);
  });

  test('keeps out every other connection, at once and from the beginning, until it is closed', async () => {
    await using file = await emptyDatabase();
    {
      await using writer = await openSoleWriter(file.path, told);
      const since = performance.now();
      await expect(openSoleWriter(file.path, told)).rejects.toThrow('told: SQLITE_BUSY');
      expect(performance.now() - since).toBeLessThan(1_000);
      await writer.transaction([TABLE, 'INSERT INTO item VALUES (1)']);
    }
    await using next = await openSoleWriter(file.path, told);
    expect(await next.all(ALL)).toEqual([{ id: 1 }]);
  });

  test('does not make the file', async () => {
    await using directory = await scratchDirectory();
    const file = join(directory.path, 'absent.db');
    await expect(openSoleWriter(file, told)).rejects.toThrow('told: SQLITE_CANTOPEN');
  });
});

const told = (_file: string, cause: Error) => new Error(`told: ${cause.message}`);

async function emptyDatabase() {
  const { path, ...directory } = await scratchDirectory();
  const file = join(path, 'a.db');
  await writeFile(file, '');
  return { path: file, ...directory };
}

describe('a fault names its file', () => {
  test('a file that is no database is a damaged projection', async () => {
    await using directory = await scratchDirectory();
    const file = join(directory.path, 'a.db');
    await writeFile(file, 'not a database, but long enough to be taken for a header'.repeat(40));
    await expect(openWriter(file)).rejects.toMatchObject({
      code: 'projection.damaged',
      details: { file, next: expect.stringContaining('eirel rebuild') },
    });
  });

  test('a directory that does not exist', async () => {
    await using directory = await scratchDirectory();
    const file = join(directory.path, 'nowhere', 'a.db');
    await expect(openWriter(file)).rejects.toThrow(`${file}: SQLITE_CANTOPEN`);
  });

  test('a statement that is wrong', async () => {
    await using writer = await openWriter(IN_MEMORY);
    await expect(writer.all('SELECT * FROM absent')).rejects.toThrow('no such table: absent');
  });
});

test('a literal gives SQLite exactly the JSON text, whatever it holds', async () => {
  await using writer = await openWriter(IN_MEMORY);
  await writer.transaction(['CREATE TABLE kept (text TEXT NOT NULL) STRICT']);
  const hostile = fc.constantFrom(
    "'",
    "''",
    "');DROP TABLE kept;--",
    '\u0000',
    '\ud800',
    '?1',
    '$&',
    '"\\',
  );
  const strings = fc.oneof(fc.string({ unit: 'binary' }), hostile);
  await fc.assert(
    fc.asyncProperty(fc.array(strings), async (value) => {
      const literal = jsonLiteral(value);
      await writer.transaction(['DELETE FROM kept', `INSERT INTO kept VALUES (${literal})`]);
      expect(await writer.all('SELECT text FROM kept')).toEqual([{ text: JSON.stringify(value) }]);
    }),
  );
});

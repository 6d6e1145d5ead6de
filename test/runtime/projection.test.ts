import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { EMPTY } from '#src/events/decode.ts';
import type { Projector } from '#src/projectors/projector.ts';
import { openProjection } from '#src/runtime/projection.ts';
import { IN_MEMORY } from '#src/runtime/sqlite.ts';

import { counter, countOf } from '../support/counter-projector.ts';
import { cut, recordAll, SOURCE, scoresRecorded } from '../support/recorded-events.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

const ten = recordAll(scoresRecorded(10));
const inMemory = { dir: IN_MEMORY, source: SOURCE };
const [firstFour, lastSix] = [cut(ten, [4])[0] ?? ten, cut(ten, [4])[1] ?? ten];

describe('applying a batch', () => {
  test('moves the checkpoint to its last event', async () => {
    await using projection = await openProjection(counter, inMemory);
    expect(projection.head).toEqual(EMPTY);
    await projection.apply(ten);
    expect(projection.head).toEqual(ten.head);
    expect(await countOf(projection.queries)).toEqual({ events: 10, exactlyOnce: true });
  });

  test('skips the events that were applied before', async () => {
    await using projection = await openProjection(counter, inMemory);
    await projection.apply(firstFour);
    await projection.apply(ten);
    await projection.apply(firstFour);
    await projection.apply(ten);
    expect(projection.head).toEqual(ten.head);
    expect(await countOf(projection.queries)).toEqual({ events: 10, exactlyOnce: true });
  });

  test('refuses one that starts behind a gap', async () => {
    await using projection = await openProjection(counter, inMemory);
    await expect(projection.apply(lastSix)).rejects.toMatchObject({
      code: 'projection.damaged',
      details: { found: 'a checkpoint of 0 events' },
    });
    expect(projection.head).toEqual(EMPTY);
  });

  test('refuses one that has another event at the checkpoint', async () => {
    await using projection = await openProjection(counter, inMemory);
    await projection.apply(firstFour);
    const others = recordAll(scoresRecorded(20).slice(10));
    await expect(projection.apply(others)).rejects.toMatchObject({
      code: 'projection.damaged',
      details: { found: expect.stringContaining('event 3 with the hash') },
    });
    expect(await countOf(projection.queries)).toEqual({ events: 4, exactlyOnce: true });
  });

  test('keeps the order between different statements', async () => {
    const journal: Projector = {
      name: 'journal',
      version: 1,
      schema: ['CREATE TABLE entry (at INTEGER PRIMARY KEY, kind TEXT, n INTEGER) STRICT'],
      statements: Object.fromEntries(
        ['even', 'odd'].map((kind) => [
          kind,
          `INSERT INTO entry (kind, n) SELECT '${kind}', value ->> 0 FROM json_each(?1)`,
        ]),
      ),
      project: ({ n }) => [{ statement: n % 4 < 2 ? 'even' : 'odd', rows: [[n]] }],
    };
    await using projection = await openProjection(journal, inMemory);
    await projection.apply(ten);
    const entries = await projection.queries.all('SELECT n FROM entry ORDER BY at');
    expect(entries.map(({ n }) => n)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('names a statement that the projector lacks, and changes nothing', async () => {
    const careless: Projector = {
      ...counter,
      project: () => [{ statement: 'talyl', rows: [[1]] }],
    };
    await using projection = await openProjection(careless, inMemory);
    await expect(projection.apply(ten)).rejects.toMatchObject({
      code: 'projection.unknown',
      details: { projector: 'counter', statement: 'talyl' },
    });
    expect(projection.head).toEqual(EMPTY);
  });

  test('gives the same rows however the log is cut into batches', async () => {
    const positions = fc.array(fc.integer({ min: 0, max: 10 }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(positions, async (at) => {
        await using projection = await openProjection(counter, inMemory);
        const pieces = cut(
          ten,
          at.toSorted((a, b) => a - b),
        );
        for (const piece of pieces) await projection.apply(piece);
        expect(projection.head).toEqual(ten.head);
        expect(await countOf(projection.queries)).toEqual({ events: 10, exactlyOnce: true });
      }),
      { numRuns: 30 },
    );
  });
});

describe('the file of a projection', () => {
  test('is continued where it was left', async () => {
    await using directory = await scratchDirectory();
    const place = { dir: directory.path, source: SOURCE };
    {
      await using projection = await openProjection(counter, place);
      await projection.apply(firstFour);
    }
    await using projection = await openProjection(counter, place);
    expect(projection.head).toEqual(firstFour.head);
    await projection.apply(lastSix);
    expect(await countOf(projection.queries)).toEqual({ events: 10, exactlyOnce: true });
  });

  test('is refused for the log of another source, with the remedy', async () => {
    await using directory = await scratchDirectory();
    await using _ours = await openProjection(counter, { dir: directory.path, source: SOURCE });
    const other = openProjection(counter, { dir: directory.path, source: `${SOURCE}0` });
    await expect(other).rejects.toMatchObject({
      code: 'projection.damaged',
      details: {
        found: `rows of the log ${SOURCE}`,
        expected: `rows of the log ${SOURCE}0`,
        next: expect.stringContaining('eirel rebuild'),
      },
    });
  });

  test('is written by one instance: the second one stops, and nothing is applied twice', async () => {
    await using directory = await scratchDirectory();
    const place = { dir: directory.path, source: SOURCE };
    await using first = await openProjection(counter, place);
    await using second = await openProjection(counter, place);
    await first.apply(firstFour);
    await expect(second.apply(ten)).rejects.toMatchObject({
      code: 'projection.damaged',
      details: { found: 'a checkpoint that another instance moved' },
    });
    await first.apply(ten);
    expect(await countOf(second.queries)).toEqual({ events: 10, exactlyOnce: true });
  });

  test('starts empty when its version was raised, beside the file of the old version', async () => {
    await using directory = await scratchDirectory();
    const place = { dir: directory.path, source: SOURCE };
    await using old = await openProjection(counter, place);
    await old.apply(ten);
    const raised = { ...counter, version: 2 };
    {
      await using fresh = await openProjection(raised, place);
      expect(fresh.head).toEqual(EMPTY);
      await fresh.apply(ten);
      expect(await countOf(fresh.queries)).toEqual({ events: 10, exactlyOnce: true });
      expect(await countOf(old.queries)).toEqual({ events: 10, exactlyOnce: true });
      expect(await databases(directory.path)).toEqual(['counter.v1.g1.db', 'counter.v2.g1.db']);
    }
    await using again = await openProjection(raised, place);
    expect(again.head).toEqual(ten.head);
    expect(await databases(directory.path)).toEqual(['counter.v2.g1.db']);
    // Who still has the removed file open reads on.
    expect(await countOf(old.queries)).toEqual({ events: 10, exactlyOnce: true });
  });

  test('leaves the files of other projections alone', async () => {
    await using directory = await scratchDirectory();
    const place = { dir: directory.path, source: SOURCE };
    const others = [
      'counter-store.v1.g1.db',
      'counter.v1.g1.db.copy',
      'counter.v1.gx.db',
      'recounter.v1.g1.db',
    ];
    for (const other of others) await writeFile(join(directory.path, other), '');
    await using _first = await openProjection(counter, place);
    await using _second = await openProjection(counter, place);
    expect(await readdir(directory.path)).toEqual(expect.arrayContaining(others));
  });

  test.for([
    ['was deleted', async (dir: string) => rm(join(dir, 'counter.v1.g1.db'))],
    [
      'has a pointer that is empty',
      async (dir: string) => writeFile(join(dir, 'counter.current'), ''),
    ],
    [
      'has a pointer to somewhere else',
      async (dir: string) => writeFile(join(dir, 'counter.current'), '../counter.v1.g1.db\n'),
    ],
  ] as const)('is built anew when it %s', async ([, damage]) => {
    await using directory = await scratchDirectory();
    const place = { dir: directory.path, source: SOURCE };
    {
      await using projection = await openProjection(counter, place);
      await projection.apply(firstFour);
    }
    await damage(directory.path);
    await using projection = await openProjection(counter, place);
    expect(projection.head).toEqual(EMPTY);
    await projection.apply(ten);
    expect(await countOf(projection.queries)).toEqual({ events: 10, exactlyOnce: true });
  });
});

test('a query sees a batch only when all of it is committed', async () => {
  await using directory = await scratchDirectory();
  await using projection = await openProjection(counter, { dir: directory.path, source: SOURCE });
  const applying = projection.apply(ten);
  const during = await countOf(projection.queries);
  await applying;
  expect([0, 10]).toContain(during.events);
  expect(during.exactlyOnce).toBe(true);
  expect(await countOf(projection.queries)).toEqual({ events: 10, exactlyOnce: true });
});

async function databases(dir: string): Promise<readonly string[]> {
  return (await readdir(dir)).filter((file) => file.endsWith('.db')).toSorted();
}

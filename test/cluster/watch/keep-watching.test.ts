import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keepWatching, type WatchEvent } from '#src/cluster/watch/keep-watching.ts';
import { linesOf } from '#src/cluster/watch/lines.ts';
import { objectCache, type Watched } from '#src/cluster/watch/object-cache.ts';

const object = (uid: string, version: number): Watched => ({
  metadata: { uid, name: uid, resourceVersion: String(version) },
});
const versions = (all: readonly Watched[]) =>
  Object.fromEntries(all.map(({ metadata }) => [metadata?.uid, metadata?.resourceVersion]));

type Step = Readonly<{ events: readonly WatchEvent<Watched>[]; lastsMs: number; fails?: Error }>;

/** Follows a server that serves these watches one after another, with a clock of its own; stops with the last. */
async function follow(steps: readonly Step[], lists: readonly (readonly Watched[])[]) {
  const stop = new AbortController();
  const cache = objectCache<Watched>(() => undefined);
  const seen = { lists: 0, from: [] as string[], waits: [] as number[], troubles: [] as string[] };
  let now = 0;
  const source = {
    list: async () => {
      const items = lists[Math.min(seen.lists, lists.length - 1)] ?? [];
      seen.lists += 1;
      return { items, version: String(100 * seen.lists) };
    },
    watch: async function* (version: string) {
      const step = steps[seen.from.length];
      seen.from.push(version);
      yield* step?.events ?? [];
      now += step?.lastsMs ?? 0;
      if (seen.from.length >= steps.length) stop.abort();
      if (step?.fails !== undefined) throw step.fails;
    },
  };
  await keepWatching(source, cache, {
    now: () => now,
    wait: async (ms) => void seen.waits.push(ms),
    random: () => 0.5,
    signal: stop.signal,
    onHeard: () => undefined,
    onTrouble: (detail) => seen.troubles.push(detail),
  });
  return { ...seen, objects: versions(cache.all()) };
}

const added = (uid: string, version: number) =>
  ({ type: 'ADDED', object: object(uid, version) }) as const;
const bookmark = (version: number) => ({ type: 'BOOKMARK', object: object('', version) }) as const;
const LONG = 200_000;

test('a watch that ends after its time is taken up where it stopped, without a list or a pause', async () => {
  const seen = await follow(
    [
      { events: [added('a', 101), bookmark(150)], lastsMs: LONG },
      { events: [added('b', 151)], lastsMs: LONG },
      { events: [], lastsMs: LONG },
    ],
    [[]],
  );

  expect(seen).toMatchObject({
    lists: 1,
    from: ['100', '150', '151'],
    waits: [],
    objects: { a: '101', b: '151' },
  });
});

test('a version that is too old is answered by a list, which is the whole truth', async () => {
  const gone = { type: 'ERROR', code: 410, message: 'too old' } as const;
  const seen = await follow(
    [
      { events: [added('a', 101), gone], lastsMs: 10 },
      { events: [], lastsMs: LONG },
    ],
    [[], [object('b', 180)]],
  );

  expect(seen).toMatchObject({ lists: 2, from: ['100', '200'], objects: { b: '180' } });
  expect(seen.troubles).toEqual(['410 too old']);
});

test('a lost connection is followed from where it was lost, with longer pauses, then by a list', async () => {
  const fails = Object.assign(new TypeError('terminated'), {
    cause: Object.assign(new Error('socket'), { code: 'UND_ERR_SOCKET' }),
  });
  const seen = await follow(
    [
      { events: [added('a', 101)], lastsMs: LONG, fails },
      { events: [], lastsMs: 0, fails },
      { events: [], lastsMs: 0, fails },
      { events: [], lastsMs: 0, fails },
      { events: [], lastsMs: LONG },
    ],
    [[], [object('a', 101)]],
  );

  expect(seen.from).toEqual(['100', '101', '101', '200', '200']);
  expect(seen.waits).toEqual([750, 1_500, 3_000, 6_000]);
  expect(new Set(seen.troubles)).toEqual(new Set(['UND_ERR_SOCKET']));
});

test('a server that ends each watch at once is not asked hundreds of times a second', async () => {
  const seen = await follow(
    Array.from({ length: 12 }, () => ({ events: [bookmark(120)], lastsMs: 3 })),
    [[]],
  );

  expect(Math.max(...seen.waits)).toBe(22_500);
  expect(seen.waits.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThan(100_000);
});

test('however well it goes, it lists anew about every ten minutes', async () => {
  const seen = await follow(
    Array.from({ length: 10 }, () => ({ events: [bookmark(900)], lastsMs: LONG })),
    [[object('a', 90)], [object('b', 190)]],
  );

  expect(seen.lists).toBe(4);
  expect(seen.objects).toEqual({ b: '190' });
});

test('an event of an error that is none of age makes a pause, and no list', async () => {
  const error = { type: 'ERROR', code: 500, message: 'etcd' } as const;
  const seen = await follow(
    [
      { events: [bookmark(140), error], lastsMs: LONG },
      { events: [], lastsMs: LONG },
    ],
    [[]],
  );

  expect(seen).toMatchObject({ lists: 1, from: ['100', '140'], waits: [750] });
});

test('what is heard twice, or late, changes nothing; a name given away again is another object', async () => {
  const modified = { type: 'MODIFIED', object: object('a', 102) } as const;
  const deleted = { type: 'DELETED', object: object('a', 103) } as const;
  const seen = await follow(
    [
      { events: [added('a', 101), modified, added('a', 101), modified], lastsMs: LONG },
      { events: [deleted, deleted, modified, added('b', 104), deleted], lastsMs: LONG },
    ],
    [[]],
  );

  expect(seen.objects).toEqual({ b: '104' });
  expect(seen.from).toEqual(['100', '102']);
});

async function all(lines: AsyncIterable<string>): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const line of lines) found.push(line);
  return found;
}

test('lines come out as they went in, however the stream is cut; the last half of one does not', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: 'grapheme' }).map((line) => line.replaceAll('\n', ''))),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
      async (lines, sizes) => {
        const bytes = Buffer.from(`${lines.map((line) => `${line}\n`).join('')}a half`);
        const chunks = async function* () {
          for (let at = 0, turn = 0; at < bytes.length; turn++) {
            const size = sizes[turn % sizes.length] ?? 1;
            yield bytes.subarray(at, at + size);
            at += size;
          }
        };
        expect(await all(linesOf(chunks(), 1_000))).toEqual(lines);
      },
    ),
    { numRuns: 50 },
  );
});

test('a line without an end is given up before it is held', async () => {
  let given = 0;
  const endless = async function* () {
    for (;;) {
      given += 1_024;
      yield Buffer.alloc(1_024, 97);
    }
  };

  await expect(all(linesOf(endless(), 10_000))).rejects.toThrow('line');
  expect(given).toBeLessThan(12_000);
});

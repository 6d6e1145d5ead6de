import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTurns } from '#src/handlers/tools/take-turns.ts';

/** Programs that run until they are told to end, on a clock that is set by hand. */
function site({ running = 2, waiting = 4 } = {}) {
  const clock = { ms: 0 };
  const takeTurn = createTurns({ running, waiting }, () => clock.ms);
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const ask = (miner: string) =>
    takeTurn(`task-eval=t;deployment=${miner}`, () => {
      begun.push(miner);
      return new Promise<string>((resolve) => ends.push(() => resolve(miner)));
    });
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return { clock, begun, ends, ask, settle };
}

test('one miner never has every place, and another one begins at once', async () => {
  const { begun, ask, settle } = site();
  for (let program = 0; program < 4; program++) void ask('greedy');
  void ask('modest');
  await settle();
  expect(begun).toEqual(['greedy', 'modest']);
});

test('where there is one place only, everybody is served', async () => {
  const { begun, ends, ask, settle } = site({ running: 1 });
  for (const miner of ['a', 'a', 'b']) void ask(miner);
  await settle();
  for (let end = 0; end < 3; end++) {
    ends[end]?.();
    await settle();
  }
  expect(begun.toSorted()).toEqual(['a', 'a', 'b']);
});

test('a free place goes to whoever used least of late, not to whoever sent most', async () => {
  const { clock, begun, ends, ask, settle } = site({ running: 1 });
  for (let program = 0; program < 4; program++) void ask('slow');
  await settle();
  for (const miner of ['quick', 'quick', 'quick']) void ask(miner);
  clock.ms = 30_000;
  ends[0]?.();
  for (let end = 1; end < 6; end++) {
    await settle();
    clock.ms += 1_000;
    ends[end]?.();
  }
  await settle();
  expect(begun.slice(0, 5)).toEqual(['slow', 'quick', 'quick', 'quick', 'slow']);
});

test('too many of one miner are refused at once, and none of another for that', async () => {
  const { ask, settle } = site({ running: 1, waiting: 2 });
  void ask('a');
  void ask('a');
  void ask('a');
  expect(await ask('a')).toBeNull();
  const other = ask('b');
  await settle();
  expect(await Promise.race([other, Promise.resolve('waits')])).toBe('waits');
});

test('whatever is asked, no more run than there are places, no miner has more than half, and all end', async () => {
  const plan = fc.record({
    running: fc.integer({ min: 1, max: 6 }),
    asks: fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 24 }),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ running, asks }) => {
      const takeTurn = createTurns({ running, waiting: 100 }, () => 0);
      const at = new Map<string, number>();
      let most = 0;
      const answers = asks.map((miner) =>
        takeTurn(miner, async () => {
          at.set(miner, (at.get(miner) ?? 0) + 1);
          expect(at.get(miner)).toBeLessThanOrEqual(Math.ceil(running / 2));
          most = Math.max(
            most,
            [...at.values()].reduce((sum, each) => sum + each, 0),
          );
          await Promise.resolve();
          at.set(miner, (at.get(miner) ?? 0) - 1);
          return miner;
        }),
      );
      expect(await Promise.all(answers)).toEqual(asks);
      expect(most).toBeLessThanOrEqual(running);
    }),
    { numRuns: 50 },
  );
});

test('work that fails gives its place back', async () => {
  const takeTurn = createTurns({ running: 1, waiting: 1 }, () => 0);
  await expect(takeTurn('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await takeTurn('a', async () => 'done')).toBe('done');
});

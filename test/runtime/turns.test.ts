import { expect, test } from 'vitest';
import { takeTurns } from '#src/runtime/turns.ts';

test('turns come in the order in which they were asked for, and what is due is done between two', async () => {
  const { turn } = takeTurns();
  const happened: (number | 'due')[] = [];
  using _due = disposable(setInterval(() => happened.push('due'), 1));
  await Promise.all(
    [0, 1, 2, 3].map(async (index) => {
      await turn();
      happened.push(index);
      const end = performance.now() + 3;
      while (performance.now() < end);
    }),
  );
  expect(happened.filter((each) => each !== 'due')).toEqual([0, 1, 2, 3]);
  for (const index of [1, 2, 3]) expect(happened[happened.indexOf(index) - 1]).toBe('due');
});

test('no turn begins while something goes first, and none is held for long', async () => {
  const { turn, first } = takeTurns();
  const read = Promise.withResolvers<string>();
  const reading = first(() => read.promise);
  let began = false;
  const next = turn().then(() => {
    began = true;
  });
  for (let pass = 0; pass < 3; pass++) await new Promise((resolve) => void setImmediate(resolve));
  expect(began).toBe(false);
  read.resolve('read');
  await Promise.all([next, reading]);
  expect(await reading).toBe('read');
  void first(() => new Promise(() => undefined));
  await turn();
  await expect(first(() => Promise.reject(new Error('unread')))).rejects.toThrow('unread');
});

function disposable(timer: NodeJS.Timeout): Disposable {
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

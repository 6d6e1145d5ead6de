import { expect, test } from 'vitest';
import { takeTurns } from '#src/runtime/turns.ts';

test('turns come in the order in which they were asked for, and what is due is done between two', async () => {
  const turn = takeTurns();
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

function disposable(timer: NodeJS.Timeout): Disposable {
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

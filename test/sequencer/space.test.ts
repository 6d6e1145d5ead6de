import { expect, test } from 'vitest';
import { gatedBySpace, judgeSpace } from '#src/sequencer/space.ts';

const GIB = 1024 ** 3;

test.for([
  ['half of a disk', 50, 100, 'enough'],
  ['just enough', 5, 100, 'enough'],
  ['less than a twentieth', 4.9, 100, 'no-new-work'],
  ['two in a hundred', 2, 100, 'no-new-work'],
  ['less', 1.9, 100, 'nothing-signed'],
  ['nothing', 0, 100, 'nothing-signed'],
  ['a small share of a large disk', 30, 4_000, 'enough'],
] as const)('%s', ([, free, total, verdict]) => {
  expect(judgeSpace({ freeBytes: free * GIB, totalBytes: total * GIB })).toBe(verdict);
});

test('new work is refused on a disk that is nearly full, and taken when there is space again', async () => {
  let freeBytes = 3;
  const append = gatedBySpace(
    async (events: number) => events,
    async () => ({ freeBytes, totalBytes: 100 }),
  );
  await expect(append(7)).rejects.toMatchObject({ code: 'log.full' });
  freeBytes = 50;
  await expect(append(7)).resolves.toBe(7);
});

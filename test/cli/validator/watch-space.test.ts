import { expect, test } from 'vitest';
import { watchSpace } from '#src/cli/validator/watch-space.ts';

const GIB = 1024 ** 3;

test.for([
  { freeBytes: 2 * GIB, totalBytes: 40 * GIB, shortage: null },
  {
    freeBytes: GIB,
    totalBytes: 40 * GIB,
    shortage: 'a disk is nearly full: 2.5 % free (1.0 of 40.0 GiB)',
  },
  { freeBytes: 21 * GIB, totalBytes: 4_000 * GIB, shortage: null },
])('with $freeBytes of $totalBytes bytes free the shortage is $shortage', async (each) => {
  const watch = watchSpace(() => Promise.resolve(each));
  await watch.look();
  expect(watch.shortage()).toBe(each.shortage);
  expect(watch.check()).toMatchObject({ ok: each.shortage === null });
});

test('before the first look, and while the disks do not answer, there is room for nothing', async () => {
  let answers = false;
  const watch = watchSpace(() =>
    answers
      ? Promise.resolve({ freeBytes: GIB, totalBytes: GIB })
      : Promise.reject(new Error('EIO')),
  );
  expect(watch.check()).toMatchObject({ ok: false, detail: 'the disks were not looked at yet' });
  await watch.look();
  expect(watch.check()).toMatchObject({ ok: false, detail: 'what is free is not known: EIO' });
  answers = true;
  await watch.look();
  expect(watch.check()).toMatchObject({ ok: true });
});

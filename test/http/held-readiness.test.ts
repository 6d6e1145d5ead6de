import { expect, test } from 'vitest';
import { heldReadiness } from '#src/http/held-readiness.ts';

test('however often readiness is asked for, it is looked into once a second', async () => {
  let looks = 0;
  let now = 0;
  const ready = heldReadiness(
    async () => [{ name: 'ledger', ok: ++looks === 1, detail: '' }],
    () => now,
  );
  const answers = await Promise.all(Array.from({ length: 50 }, () => ready()));
  expect(answers.every(([check]) => check?.ok === true)).toBe(true);
  now = 999;
  await ready();
  expect(looks).toBe(1);
  now = 1_000;
  expect(await ready()).toMatchObject([{ ok: false }]);
  expect(looks).toBe(2);
});

import { expect, test } from 'vitest';
import { createWake } from '#src/runtime/wake.ts';

const HOUR_MS = 3_600_000;

test('a pause ends early when somebody has news, and the news of a round ends the pause after it', async () => {
  const { wake, pause } = createWake(new AbortController().signal);
  const paused = pause(HOUR_MS);
  wake();
  await paused;

  wake();
  wake();
  await pause(HOUR_MS);
  const third = pause(HOUR_MS).then(() => 'over');
  expect(await Promise.race([third, pause(600).then(() => 'goes on')])).toBe('goes on');
  wake();
  expect(await third).toBe('over');
});

test('the end of everything ends a pause', async () => {
  const stop = new AbortController();
  const { pause } = createWake(stop.signal);
  const paused = pause(HOUR_MS);
  stop.abort();
  const over = Promise.all([paused, pause(HOUR_MS)]).then(() => 'over');
  await expect(over).resolves.toBe('over');
});

import { expect, test } from 'vitest';
import { followFrom, type Notices } from '#src/runtime/jetstream-follow.ts';

/** Notices given by hand; what the follower waited for is kept. */
function fakeNotices(noticeAt: (wait: number) => boolean): { notices: Notices; waits: number[] } {
  const waits: number[] = [];
  let count = 0;
  const notices: Notices = {
    count: () => count,
    give: () => count++,
    listen: () => undefined,
    more: async (_seen, ms) => {
      if (noticeAt(waits.push(ms))) count++;
    },
  };
  return { notices, waits };
}

test('an idle follower looks ever less often, down to once a second', async () => {
  const stop = new AbortController();
  const { notices, waits } = fakeNotices((wait) => {
    if (wait === 14) stop.abort();
    return false;
  });
  for await (const _ of followFrom(0, async () => [], notices, { signal: stop.signal })) break;
  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_000, 1_000, 1_000, 1_000]);
});

test('a notice makes it look at once, and often for a while, for the event may not be stored yet', async () => {
  const stop = new AbortController();
  const { notices, waits } = fakeNotices((wait) => {
    if (wait === 6) stop.abort();
    return wait === 3;
  });
  for await (const _ of followFrom(0, async () => [], notices, { signal: stop.signal })) break;
  expect(waits).toEqual([1, 2, 4, 1, 2, 4]);
});

test('it listens before it looks: what is stored after the look gives a notice', async () => {
  const stop = new AbortController();
  const steps: string[] = [];
  const { notices } = fakeNotices(() => false);
  const heard: Notices = { ...notices, listen: () => void steps.push('listen') };
  const stored = [[new Uint8Array(1)], [], [new Uint8Array(2), new Uint8Array(3)]];
  const fetch = async (from: number): Promise<readonly Uint8Array[]> => {
    steps.push(`look from ${from}`);
    return stored.shift() ?? [];
  };
  const lengths: number[] = [];
  for await (const payloads of followFrom(7, fetch, heard, { signal: stop.signal })) {
    lengths.push(...payloads.map(({ length }) => length));
    if (lengths.length === 3) stop.abort();
  }
  expect(lengths).toEqual([1, 2, 3]);
  expect(steps).toEqual([
    'listen',
    'look from 7',
    'listen',
    'look from 8',
    'listen',
    'look from 8',
  ]);
});

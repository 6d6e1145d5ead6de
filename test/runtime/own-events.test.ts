import { expect, test } from 'vitest';
import { EMPTY } from '#src/events/decode.ts';
import type { ReadBatch } from '#src/events/log.ts';
import { logReader } from '#src/runtime/log-reader.ts';
import type { LogStore } from '#src/runtime/log-store.ts';
import { type MemoryDisk, memoryDisk, memoryStore } from '#src/runtime/memory-store.ts';
import { openLog } from '#src/runtime/open-log.ts';
import { ownEvents } from '#src/runtime/own-events.ts';
import { drafts, readAll } from '../support/log-drafts.ts';
import { recordAll, SOURCE, scoreRecorded } from '../support/recorded-events.ts';
import { flipBit } from '../support/sim-store.ts';

const storeOn = (disk: MemoryDisk): LogStore =>
  memoryStore({ name: 'validator', source: SOURCE }, disk);

test('a writer is given back the events that it appended, as whoever else decodes them', async () => {
  const disk = memoryDisk();
  await (await openLog(storeOn(disk))).append(drafts(0, 3));
  const log = await openLog(storeOn(disk));
  const appended = drafts(3, 4);
  await Promise.all([log.append(appended.slice(0, 1)), log.append(appended.slice(1))]);
  const own = await readAll(log);
  expect(own).toEqual(await readAll(logReader(storeOn(disk))));
  for (const [index, { event }] of appended.entries()) expect(own[3 + index]?.event).toBe(event);
});

test('bytes that are not the ones that it stored are read as anybody reads them', async () => {
  const disk = memoryDisk();
  const log = await openLog(storeOn(disk));
  await log.append(drafts(0, 3));
  const [first, second, third] = disk.messages;
  if (first === undefined || second === undefined || third === undefined) throw new Error('stored');
  disk.messages = [first, flipBit(second, 40, 1), third];
  await expect(readAll(log)).rejects.toMatchObject({ code: 'log.broken', details: { index: 1 } });
  disk.messages = [first, third];
  await expect(readAll(log)).rejects.toMatchObject({ code: 'log.broken', details: { index: 1 } });
  disk.messages = [first, second, third];
  expect(await readAll(log)).toHaveLength(3);
});

test('an event is known by its place and by what stands before it, too', () => {
  const { events, payloads } = recorded(2);
  const { keep, recall } = ownEvents();
  keep(events, EMPTY, 1_000);
  const [first, second] = events;
  const [payload = new Uint8Array()] = payloads;
  expect(recall(payload, EMPTY)).toBe(first);
  expect(recall(payload, { size: 1, hash: first?.hash ?? '' })).toBeUndefined();
  expect(recall(payload, { size: 0, hash: second?.hash ?? '' })).toBeUndefined();
});

test.for([
  ['of so many', 10_100, 1_000, 100],
  ['of so many bytes', 200, 200 * 65_535, 200 - Math.floor((8 * 1024 * 1024) / 65_535)],
] as const)('only the newest are kept, %s', ([, count, bytes, forgotten]) => {
  const { events, payloads } = recorded(count);
  const { keep, recall } = ownEvents();
  keep(events, EMPTY, bytes);
  const known = (index: number): boolean => {
    const hash = events[index - 1]?.hash ?? EMPTY.hash;
    return recall(payloads[index] ?? new Uint8Array(), { size: index, hash }) !== undefined;
  };
  expect([0, forgotten - 1, forgotten, count - 1].map(known)).toEqual([false, false, true, true]);
});

function recorded(count: number): ReadBatch {
  return recordAll(Array.from({ length: count }, (_, index) => scoreRecorded(index)));
}

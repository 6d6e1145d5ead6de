import { expect, test } from 'vitest';
import { EMPTY } from '#src/events/decode.ts';
import type { Draft } from '#src/events/envelope.ts';
import { logReader } from '#src/runtime/log-reader.ts';
import { type MemoryDisk, memoryDisk, memoryStore } from '#src/runtime/memory-store.ts';
import { openLog } from '#src/runtime/open-log.ts';
import { badDraft, drafts, indices, readAll } from '../support/log-drafts.ts';
import { SOURCE } from '../support/recorded-events.ts';
import { noWait, simStore } from '../support/sim-store.ts';

const secret = new Uint8Array(32).fill(7);
const storeOn = (disk: MemoryDisk) => memoryStore({ name: 'validator', source: SOURCE }, disk);

const closed: Draft = {
  event: {
    type: 'run.closed.v1',
    data: { family: 'general_chat', run: 'run-1', reason: 'requested' },
  },
  time: '2026-01-02T03:04:05.678Z',
  causationId: null,
};

/** A log of three scores and the end of their run, written with the secret. */
async function written() {
  const disk = memoryDisk();
  const log = await openLog(storeOn(disk), { secret });
  const appended = await log.append([...drafts(0, 3), closed]);
  if (appended.kind === 'conflict') throw new Error('a conflict');
  return { disk, log, recorded: appended.events };
}

test('whoever has the secret reads what was appended, at the places of what is stored', async () => {
  const { disk, log, recorded } = await written();
  expect(indices(recorded)).toEqual([0, 1, 2, null]);
  expect(await readAll(log)).toEqual(recorded);
  const again = await openLog(storeOn(disk), { secret });
  expect(await readAll(again)).toEqual(recorded);
  expect(await again.head()).toEqual({ size: 4, hash: recorded.at(-1)?.hash });
});

test('whoever has not reads the same chain, and of the scores only that they are there', async () => {
  const { disk, recorded } = await written();
  const sealed = await readAll(logReader(storeOn(disk)));
  expect(sealed.map(({ event }) => event.type)).toEqual([
    ...Array<string>(3).fill('fact.sealed.v1'),
    'run.closed.v1',
  ]);
  expect(sealed.map(({ n, hash, time }) => ({ n, hash, time }))).toEqual(
    recorded.map(({ n, hash, time }) => ({ n, hash, time })),
  );
  for (const { payload } of disk.messages)
    expect(Buffer.from(payload).toString()).not.toContain('evidence');
});

test('a sealed fact is published where the fact itself would be', async () => {
  const { disk } = await written();
  expect(disk.messages.map(({ subject }) => subject)).toEqual([
    ...Array<string>(3).fill('validator.score.recorded.general_chat.run-1'),
    'validator.run.closed.general_chat.run-1',
  ]);
});

test('the wrong secret stops the reader at the first sealed fact', async () => {
  const { disk } = await written();
  const other = await openLog(storeOn(disk), { secret: new Uint8Array(32) });
  await expect(readAll(other)).rejects.toMatchObject({ code: 'log.broken', details: { index: 0 } });
  expect(await readAll(other, { after: await headOf(disk, 3) })).toHaveLength(1);
});

test('a draft that its schema refuses is refused before it is sealed', async () => {
  const { log } = await written();
  await expect(log.append([badDraft()])).rejects.toMatchObject({ code: 'event.invalid' });
  expect(await readAll(log)).toHaveLength(4);
});

test('an append whose outcome was unknown is found again by its bytes: sealing is no lottery', async () => {
  const disk = memoryDisk();
  const faults = ['after', 'none'] as const;
  let next = 0;
  const store = simStore(storeOn(disk), () => faults[next++] ?? 'none');
  const log = await openLog(store, { secret, wait: noWait });
  expect((await log.append(drafts(0, 3))).kind).toBe('appended');
  expect(disk.messages).toHaveLength(3);
  expect(indices(await readAll(log))).toEqual([0, 1, 2]);
});

async function headOf(disk: MemoryDisk, size: number) {
  const events = await readAll(logReader(storeOn(disk)));
  const last = events[size - 1];
  return last === undefined ? EMPTY : { size, hash: last.hash };
}

import { expect, test } from 'vitest';
import { EMPTY } from '#src/events/decode.ts';
import { MAX_APPEND_EVENTS } from '#src/events/log.ts';
import { logReader } from '#src/runtime/log-reader.ts';
import type { Message } from '#src/runtime/log-store.ts';
import { MAX_QUEUED_EVENTS } from '#src/runtime/log-writer.ts';
import { openLog } from '#src/runtime/open-log.ts';
import { draft, drafts, indices, readAll } from '../support/log-drafts.ts';
import type { Site } from './site.ts';

export function appending(openSite: () => Promise<Site>): void {
  test('what is appended is read back as it was recorded, chained from the first event', async () => {
    await using site = await openSite();
    const log = await openLog(await site.store());
    const one = await log.append([draft(0)]);
    const more = await log.append(drafts(1, 20));
    if (one.kind !== 'appended' || more.kind !== 'appended') throw new Error('a conflict');

    const events = await readAll(logReader(await site.store()));
    expect(events).toEqual([...one.events, ...more.events]);
    expect(indices(events)).toEqual(Array.from({ length: 21 }, (_, index) => index));
  });

  test('appends made at once keep their order, whatever batches they share', async () => {
    await using site = await openSite();
    const log = await openLog(await site.store());
    const sizes = Array.from({ length: 120 }, (_, index) => 1 + ((index * 37) % 40));
    let next = 0;
    const results = await Promise.all(
      sizes.map((size) => {
        const append = log.append(drafts(next, size));
        next += size;
        return append;
      }),
    );
    const recorded = results.flatMap((result) => (result.kind === 'appended' ? result.events : []));
    expect(indices(recorded)).toEqual(Array.from({ length: next }, (_, index) => index));
    expect(await readAll(log)).toEqual(recorded);
  });

  test('an append of the most events that fit a batch is stored, one more is refused', async () => {
    await using site = await openSite();
    const log = await openLog(await site.store());
    const result = await log.append(drafts(0, MAX_APPEND_EVENTS));
    expect(result.kind).toBe('appended');
    await expect(log.append(drafts(0, MAX_APPEND_EVENTS + 1))).rejects.toMatchObject({
      code: 'append.too-large',
    });
    expect((await log.head()).size).toBe(MAX_APPEND_EVENTS);
  });

  test('an append of nothing stores nothing', async () => {
    await using site = await openSite();
    const log = await openLog(await site.store());
    expect(await log.append([])).toEqual({ kind: 'appended', events: [] });
    expect(await log.head()).toEqual(EMPTY);
  });

  test('a log that is opened again continues behind its last event', async () => {
    await using site = await openSite();
    await (await openLog(await site.store())).append(drafts(0, 3));
    const again = await openLog(await site.store());
    await again.append(drafts(3, 2));
    expect(indices(await readAll(again))).toEqual([0, 1, 2, 3, 4]);
  });

  test('payloads of the largest size are stored, alone and in a batch', async () => {
    await using site = await openSite();
    const store = await site.store();
    const message: Message = {
      subject: 'validator.run.opened.general_chat.run-1',
      payload: new Uint8Array(65_535).fill(0x20),
    };
    expect(await store.publish([message], 0)).toEqual({ kind: 'stored' });
    expect(await store.publish([message, message], 1)).toEqual({ kind: 'stored' });
    const lengths = (await store.fetch(0, 9)).map(({ length }) => length);
    expect(lengths).toEqual([65_535, 65_535, 65_535]);
  });

  test('more than the queue may hold is refused, and the queue drains', async () => {
    await using site = await openSite();
    const log = await openLog(await site.store());
    const appends = Array.from({ length: MAX_QUEUED_EVENTS / MAX_APPEND_EVENTS }, (_, index) =>
      log.append(drafts(index * MAX_APPEND_EVENTS, MAX_APPEND_EVENTS)),
    );
    await expect(log.append([draft(0)])).rejects.toMatchObject({ code: 'log.full' });
    await Promise.all(appends);
    expect((await log.append([draft(MAX_QUEUED_EVENTS)])).kind).toBe('appended');
    expect((await log.head()).size).toBe(MAX_QUEUED_EVENTS + 1);
  });
}

import { expect, test } from 'vitest';
import { EMPTY } from '#src/events/decode.ts';
import { logReader } from '#src/runtime/log-reader.ts';
import { openLog } from '#src/runtime/open-log.ts';
import {
  badDraft,
  draft,
  drafts,
  indices,
  readAll,
  sealedMessages,
} from '../support/log-drafts.ts';
import { noWait, simStore } from '../support/sim-store.ts';
import type { Site } from './site.ts';

export function allOrNothing(openSite: () => Promise<Site>): void {
  test('a draft that its schema refuses fails its own append and no other', async () => {
    await using site = await openSite();
    const log = await openLog(await site.store());
    const [before, bad, after] = await Promise.allSettled([
      log.append(drafts(0, 2)),
      log.append([draft(100), badDraft(), draft(101)]),
      log.append(drafts(2, 2)),
    ]);
    expect(before.status).toBe('fulfilled');
    expect(bad).toMatchObject({ status: 'rejected', reason: { code: 'event.invalid' } });
    expect(after.status).toBe('fulfilled');
    expect(indices(await readAll(log))).toEqual([0, 1, 2, 3]);
  });

  test('nothing of a batch in conflict is stored', async () => {
    await using site = await openSite();
    const store = await site.store();
    await store.publish(sealedMessages(3), 0);
    expect(await store.publish(sealedMessages(5), 2)).toMatchObject({ kind: 'conflict' });
    expect(await store.publish(sealedMessages(5), 4)).toMatchObject({ kind: 'conflict' });
    expect(await store.publish(sealedMessages(1), 4)).toMatchObject({ kind: 'conflict' });
    expect(await store.size()).toBe(3);
    expect(await store.fetch(0, 10)).toHaveLength(3);
  });

  for (const fault of ['before', 'after', 'late'] as const) {
    test(`a batch whose first publish failed ${fault} it was stored is stored once`, async () => {
      await using site = await openSite();
      const outages: string[] = [];
      const faults = ['none', fault] as const;
      let publishes = 0;
      const store = simStore(await site.store(), () => faults[publishes++] ?? 'none');
      const log = await openLog(store, {
        wait: noWait,
        onRetry: (outage) => outages.push(outage.code),
      });
      await log.append(drafts(0, 2));
      expect((await log.append(drafts(2, 5))).kind).toBe('appended');
      expect((await log.append(drafts(7, 1))).kind).toBe('appended');
      expect(indices(await readAll(log))).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      expect(outages).toContain('log.unavailable');
    });
  }
}

export function oneWriter(openSite: () => Promise<Site>): void {
  test('the second writer gets a conflict, now and for ever, and stores nothing', async () => {
    await using site = await openSite();
    const first = await openLog(await site.store());
    await first.append(drafts(0, 3));
    const second = await openLog(await site.store());
    const before = await second.head();
    await first.append(drafts(3, 1));

    const inOneBatch = await Promise.all([
      second.append(drafts(100, 5)),
      second.append(drafts(105, 1)),
    ]);
    for (const result of inOneBatch) {
      expect(result).toMatchObject({ kind: 'conflict', expected: before });
    }
    expect(await second.append([draft(106)])).toMatchObject({ kind: 'conflict' });
    expect((await first.append([draft(4)])).kind).toBe('appended');
    expect(indices(await readAll(first))).toEqual([0, 1, 2, 3, 4]);
  });

  test("after an outage, another writer's event in our place is a conflict", async () => {
    await using site = await openSite();
    const rival = await site.store();
    const ours = await site.store();
    let publishes = 0;
    const log = await openLog(
      simStore(ours, () => (publishes++ === 0 ? 'before' : 'none')),
      {
        // The rival writes while we wait for the server.
        wait: async () => void (await rival.publish(sealedMessages(2), 0)),
      },
    );
    const result = await log.append(drafts(50, 2));
    expect(result).toMatchObject({ kind: 'conflict', expected: EMPTY });
    expect(indices(await readAll(logReader(rival)))).toEqual([0, 1]);
  });
}

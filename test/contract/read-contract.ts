import { expect, test } from 'vitest';
import { EMPTY } from '#src/events/decode.ts';
import type { Head } from '#src/events/envelope.ts';
import { leafHash } from '#src/events/hash.ts';
import { logReader } from '#src/runtime/log-reader.ts';
import { openLog } from '#src/runtime/open-log.ts';
import { drafts, indices, readAll } from '../support/log-drafts.ts';
import type { Site } from './site.ts';

export function reading(openSite: () => Promise<Site>): void {
  test('the head is the last event, and the empty head before there is one', async () => {
    await using site = await openSite();
    const log = await openLog(await site.store());
    expect(await log.head()).toEqual(EMPTY);
    const result = await log.append(drafts(0, 7));
    const last = result.kind === 'appended' ? result.events.at(-1) : undefined;
    expect(await log.head()).toEqual({ size: 7, hash: last?.hash });
  });

  test('a reader that stopped anywhere continues there', async () => {
    await using site = await openSite();
    const log = await openLog(await site.store());
    await log.append(drafts(0, 30));
    const events = await readAll(log);
    for (const [index, { hash }] of events.entries()) {
      const after: Head = { size: index + 1, hash };
      expect(await readAll(log, { after })).toEqual(events.slice(index + 1));
    }
  });

  test('batches carry the bytes of their events and the head behind them', async () => {
    await using site = await openSite();
    const log = await openLog(await site.store());
    await log.append(drafts(0, 1_000));
    await log.append(drafts(1_000, 300));
    let head = EMPTY;
    for await (const batch of log.read({ after: EMPTY, follow: false })) {
      expect(batch.payloads.map(leafHash)).toEqual(batch.events.map(({ hash }) => hash));
      head = { size: head.size + batch.events.length, hash: batch.events.at(-1)?.hash ?? '' };
      expect(batch.head).toEqual(head);
    }
    expect(head).toEqual(await log.head());
  });

  test('a reader that follows gets what is stored later by any client, until it is told to stop', async () => {
    await using site = await openSite();
    const log = await openLog(await site.store());
    await log.append(drafts(0, 2));
    const stop = new AbortController();
    const seen: (number | null)[] = [];
    const follower = logReader(await site.store());
    for await (const batch of follower.read({ after: EMPTY, follow: true, signal: stop.signal })) {
      seen.push(...indices(batch.events));
      if (seen.length >= 12) stop.abort();
      // Only once the present end was seen is there a next event.
      else if (seen.length >= 2) await log.append(drafts(seen.length, 1));
    }
    expect(seen).toEqual(Array.from({ length: 12 }, (_, index) => index));
  });

  test('a follower that waits at the end is let go by its signal', async () => {
    await using site = await openSite();
    const log = logReader(await site.store());
    const stop = new AbortController();
    const reading = readAll(log, { follow: true, signal: stop.signal });
    expect(await log.head()).toEqual(EMPTY);
    stop.abort();
    expect(await reading).toEqual([]);
  });

  test('a read to the head that is aborted throws, for its end would mean that nothing is missing', async () => {
    await using site = await openSite();
    const log = await openLog(await site.store());
    await log.append(drafts(0, 3));
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(readAll(log, { signal })).rejects.toThrow('enough');
  });
}

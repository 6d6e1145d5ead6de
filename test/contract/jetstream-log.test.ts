import { afterAll, beforeAll, expect, test } from 'vitest';
import { EMPTY } from '#src/events/decode.ts';
import type { LogReader } from '#src/events/log.ts';
import { logReader } from '#src/runtime/log-reader.ts';
import { openLog } from '#src/runtime/open-log.ts';
import { jetStreamSite } from '../support/jetstream-site.ts';
import { drafts, indices, readAll, sealedMessages } from '../support/log-drafts.ts';
import { type TestNatsServer, testNatsServer } from '../support/nats-server.ts';
import { logContract } from './log-contract.ts';

let server: TestNatsServer;
beforeAll(async () => {
  server = await testNatsServer();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

logContract('the log on JetStream', () => jetStreamSite(server));

test('a server killed in the middle of appends loses and doubles nothing', async () => {
  await using site = await jetStreamSite(server);
  let outages = 0;
  const log = await openLog(await site.store(), { onRetry: () => outages++ });
  const lives = 3;
  const total = lives * 3_600;
  const follow = async (follower: LogReader) => {
    const stop = new AbortController();
    const seen: (number | null)[] = [];
    const options = { after: EMPTY, follow: true, signal: stop.signal };
    for await (const batch of follower.read(options)) {
      seen.push(...indices(batch.events));
      if (seen.length >= total) stop.abort();
    }
    return seen;
  };
  // The writer's own followers take from memory what it knows to be stored, and the rest from the server.
  const following = Promise.all([logReader(await site.store('reader')), log].map(follow));

  for (let life = 1; life <= lives; life++) {
    // Four batches: the server dies when the first is stored, with the others sealed or under way.
    const pending = Array.from({ length: 90 }, (_, index) =>
      log.append(drafts((life - 1) * 3_600 + index * 40, 40)),
    );
    await pending[0];
    await server.kill();
    await server.restart();
    for (const result of await Promise.all(pending)) expect(result.kind).toBe('appended');
  }
  expect(outages).toBeGreaterThanOrEqual(lives);
  const all = Array.from({ length: total }, (_, index) => index);
  expect(await following).toEqual([all, all]);
  expect(indices(await readAll(log))).toEqual(all);
});

test('who follows what his own process appends is not sent it again', async () => {
  await using site = await jetStreamSite(server);
  const log = await openLog(await site.store());
  const [nc] = site.connections;
  await log.append(drafts(0, 100));
  const stop = new AbortController();
  const seen: (number | null)[] = [];
  const following = (async () => {
    const options = { after: EMPTY, follow: true, signal: stop.signal };
    for await (const { events } of log.read(options)) {
      seen.push(...indices(events));
      if (seen.length >= 600) stop.abort();
    }
  })();
  await expect.poll(() => seen.length).toBe(100);
  const before = nc?.stats().inMsgs ?? 0;
  for (let from = 100; from < 600; from += 100) await log.append(drafts(from, 100));
  await following;
  expect(seen).toEqual(Array.from({ length: 600 }, (_, index) => index));
  // Acknowledgements, and the answers that there is nothing more.
  expect((nc?.stats().inMsgs ?? 0) - before).toBeLessThan(100);
});

test('a writer that is closed while the server is away gives its appends up', async () => {
  await using site = await jetStreamSite(server);
  const close = new AbortController();
  let outages = 0;
  const log = await openLog(await site.store(), {
    signal: close.signal,
    // The writer has noticed, and waits: now it is closed.
    onRetry: () => {
      outages++;
      close.abort();
    },
  });
  await server.kill();
  try {
    const pending = log.append(drafts(0, 3));
    await expect(pending).rejects.toMatchObject({ code: 'log.unavailable' });
    await expect(log.append(drafts(3, 1))).rejects.toMatchObject({ code: 'log.unavailable' });
    expect(outages).toBe(1);
  } finally {
    await server.restart();
  }
});

test('a reader reads and follows, but can not publish', async () => {
  await using site = await jetStreamSite(server);
  const writer = await openLog(await site.store());
  await writer.append(drafts(0, 3));
  const store = await site.store('reader');
  expect(indices(await readAll(logReader(store)))).toEqual([0, 1, 2]);
  await expect(store.publish(sealedMessages(1), 3)).rejects.toMatchObject({
    code: 'log.unavailable',
  });
  expect(await store.size()).toBe(3);
});

test('without its stream a log is unavailable, not empty', async () => {
  await using site = await jetStreamSite(server);
  const store = await site.store('admin');
  await site.connections[0]?.request('$JS.API.STREAM.DELETE.validator');
  const unavailable = { code: 'log.unavailable' };
  await expect(store.size()).rejects.toMatchObject(unavailable);
  await expect(store.fetch(0, 1)).rejects.toMatchObject(unavailable);
  await expect(store.publish(sealedMessages(2), 0)).rejects.toMatchObject(unavailable);
  await expect(openLog(store)).rejects.toMatchObject(unavailable);
});

test('over a closed connection a log is unavailable at once', async () => {
  await using site = await jetStreamSite(server);
  const store = await site.store();
  await site.connections[0]?.close();
  await expect(store.size()).rejects.toMatchObject({
    code: 'log.unavailable',
    details: { found: 'a closed connection' },
  });
});

test('a batch that is not of this stream is refused and stores nothing', async () => {
  await using site = await jetStreamSite(server);
  const store = await site.store('admin');
  const elsewhere = sealedMessages(2).map(({ payload }) => ({ subject: 'ledger.x', payload }));
  await expect(store.publish(elsewhere, 0)).rejects.toMatchObject({ code: 'log.unavailable' });
  expect(await store.size()).toBe(0);
});

import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { logs } from '#src/events/subjects.ts';
import { applyStream, streamConfig, verifyStream } from '#src/runtime/streams.ts';
import { type TestNatsServer, testAccount, testNatsServer } from '../support/nats-server.ts';

let server: TestNatsServer;
let admin: NatsConnection;
beforeAll(async () => {
  server = await testNatsServer({ accounts: [testAccount('subnet', logs)] });
  admin = await server.connectAs('admin');
});
beforeEach(async () => {
  const { streams } = await jetstreamManager(admin);
  for await (const name of streams.names()) await streams.delete(name);
});
afterAll(async () => {
  await admin.close();
  await server[Symbol.asyncDispose]();
});

test.for(logs)(
  'the stream of the %s log is created once, and then is as configured',
  async (log) => {
    const config = streamConfig(log);
    expect(await verifyStream(admin, config)).toEqual([
      { field: 'stream', expected: log, found: undefined },
    ]);
    expect(await applyStream(admin, config)).toBe('created');
    expect(await applyStream(admin, config)).toBe('unchanged');
    expect(await verifyStream(admin, config)).toEqual([]);
  },
);

test('a stream that drifted is reported field by field and left alone', async () => {
  const config = streamConfig('validator');
  const { streams } = await jetstreamManager(admin);
  const live = {
    ...structuredClone(config),
    max_msgs: 5,
    deny_purge: false,
    metadata: { schema: '0', note: 'x' },
  };
  await streams.add({ ...live, republish: { src: 'validator.>', dest: 'tail.>' } });
  const drift = [
    { field: 'max_msgs', expected: -1, found: 5 },
    { field: 'deny_purge', expected: true, found: undefined },
    { field: 'metadata.schema', expected: '1', found: '0' },
    { field: 'republish', expected: undefined, found: { src: 'validator.>', dest: 'tail.>' } },
    { field: 'metadata.note', expected: undefined, found: 'x' },
  ];
  const found = await verifyStream(admin, config);
  expect(found).toHaveLength(drift.length);
  expect(found).toEqual(expect.arrayContaining(drift));
  await expect(applyStream(admin, config)).rejects.toMatchObject({
    code: 'stream.drift',
    details: { stream: 'validator', drift: found },
  });
  expect((await streams.info('validator')).config.max_msgs).toBe(5);
});

test('a server without atomic batches is refused before anything is created', async () => {
  const old = new Proxy(admin, {
    get: (target, key) =>
      key === 'info' ? { version: '2.11.9' } : Reflect.get(target, key, target),
  });
  const drift = [
    { field: 'nats-server', expected: expect.stringContaining('2.12.0'), found: '2.11.9' },
  ];
  expect(await verifyStream(old, streamConfig('owner'))).toEqual(drift);
  await expect(applyStream(old, streamConfig('owner'))).rejects.toMatchObject({
    code: 'stream.drift',
    details: { drift },
  });
  const { streams } = await jetstreamManager(admin);
  expect((await streams.names().next()).length).toBe(0);
});

test('a credential that may not create streams gets an outage, not a stream', async () => {
  const reader = await server.connectAs('reader');
  await expect(applyStream(reader, streamConfig('validator'))).rejects.toMatchObject({
    code: 'log.unavailable',
  });
  await reader.close();
});

test('nothing in the stream can be deleted or purged, and no header rolls it up', async () => {
  await applyStream(admin, streamConfig('validator'));
  await admin.request('validator.a.b.c.d', 'x');
  const { streams } = await jetstreamManager(admin);
  await expect(streams.deleteMessage('validator', 1)).rejects.toThrow('not permitted');
  await expect(streams.purge('validator')).rejects.toThrow('not permitted');
  expect((await streams.info('validator')).state.messages).toBe(1);
});

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_BULK_BYTES } from '#src/http/bulk-gate.ts';
import { type EventsPage, MAX_EVENTS_BYTES } from '#src/http/get-events.ts';
import { startApp } from './client.ts';
import { fakeValidator } from './fake-validator.ts';

const PATH = '/v1/log/events';

/** Pages of the greatest length that may be under way at once. */
const MAX_PAGES = Math.floor(MAX_BULK_BYTES / MAX_EVENTS_BYTES);

function logOf(payloads: readonly Uint8Array[]) {
  return async (from: number, limit: number): Promise<EventsPage> => ({
    payloads: payloads.slice(from, from + limit),
    size: payloads.length,
  });
}

test('following Eirel-Log-Next from 0 gives every payload once, byte for byte, whatever the pages', async () => {
  let payloads: readonly Uint8Array[] = [];
  await using app = await startApp(
    fakeValidator({}, { events: (from, limit) => logOf(payloads)(from, limit) }),
  );
  const payload = fc
    .uint8Array({ minLength: 1, maxLength: 40 })
    .map((bytes) => bytes.filter((byte) => byte !== 0x0a));
  await fc.assert(
    fc.asyncProperty(
      fc.array(payload, { maxLength: 20 }),
      fc.integer({ min: 1, max: 7 }),
      async (log, limit) => {
        payloads = log;
        const pages: Buffer[] = [];
        for (let from = 0; from < log.length; ) {
          const { headers, body } = await app.ask(`${PATH}?from=${from}&limit=${limit}`);
          expect(Number(headers['eirel-log-next'])).toBeGreaterThan(from);
          from = Number(headers['eirel-log-next']);
          pages.push(body);
        }
        expect(Buffer.concat(pages)).toEqual(
          Buffer.concat(log.flatMap((bytes) => [bytes, Buffer.from('\n')])),
        );
      },
    ),
    { numRuns: 30 },
  );
});

test('the header fields name the log, its size and the next index', async () => {
  await using app = await startApp(fakeValidator());
  const reply = await app.ask(`${PATH}?from=20&limit=3`);
  expect(reply.text).toBe(
    '{"n":20,"text":"a\\nb"}\n{"n":21,"text":"a\\nb"}\n{"n":22,"text":"a\\nb"}\n',
  );
  expect(reply.headers).toMatchObject({
    'content-type': 'application/x-ndjson',
    'cache-control': 'no-store',
    'eirel-log-source': 'eirel.network/log/v1/abababab/36',
    'eirel-log-size': '25',
    'eirel-log-next': '23',
  });
});

test('an index at or beyond the size is an empty page that leaves the reader where it is', async () => {
  await using app = await startApp(fakeValidator());
  for (const from of [25, 26, Number.MAX_SAFE_INTEGER]) {
    const reply = await app.ask(`${PATH}?from=${from}`);
    expect(reply).toMatchObject({ status: 200, text: '' });
    expect(reply.headers).toMatchObject({ 'eirel-log-size': '25', 'eirel-log-next': String(from) });
  }
});

test('a page stops before 2 MiB, at a whole event, and the next one goes on there', async () => {
  const payloads = Array.from({ length: 60 }, (_, index) =>
    Buffer.alloc(65_535, 65 + (index % 26)),
  );
  await using app = await startApp(fakeValidator({}, { events: logOf(payloads) }));
  const first = await app.ask(PATH);
  expect(first.headers['eirel-log-next']).toBe('32');
  expect(first.body.length).toBe(32 * 65_536);
  expect(first.body.length).toBeLessThanOrEqual(MAX_EVENTS_BYTES);
  const rest = await app.ask(`${PATH}?from=32`);
  expect(rest.headers['eirel-log-next']).toBe('60');
});

test('a page has no more than `limit` events even where the log gives more', async () => {
  const payloads = ['1', '2', '3'].map((text) => Buffer.from(text));
  const events = async () => ({ payloads, size: 3 });
  await using app = await startApp(fakeValidator({}, { events }));
  const reply = await app.ask(`${PATH}?limit=2`);
  expect([reply.text, reply.headers['eirel-log-next']]).toEqual(['1\n2\n', '2']);
});

test('from and limit are plain whole numbers within their bounds', async () => {
  await using app = await startApp(fakeValidator());
  for (const [field, value] of [
    ['limit', '0'],
    ['limit', '1001'],
    ['limit', ''],
    ['limit', '1e2'],
    ['limit', '-1'],
    ['from', '-1'],
    ['from', '01'],
    ['from', '9007199254740992'],
    ['from', '1.0'],
    ['from', '٣'],
  ] as const) {
    const reply = await app.ask(`${PATH}?${field}=${encodeURIComponent(value)}`);
    expect([field, value, reply.status]).toEqual([field, value, 400]);
    expect(reply.json()).toMatchObject({ field, value });
  }
});

test('readers that do not read hold a bounded number of answers, and the place of one that leaves is free again', async () => {
  const asked = new Set<() => void>();
  await using app = await startApp(
    fakeValidator(
      {},
      {
        events: () =>
          new Promise((resolve) => {
            asked.add(() => resolve({ payloads: [], size: 0 }));
          }),
      },
    ),
  );
  const { hostname, port } = new URL(app.url);
  const sockets: Socket[] = [];
  for (let count = 0; count < MAX_PAGES; count++) {
    const socket = connect(Number(port), hostname);
    socket.write(`GET ${PATH} HTTP/1.1\r\nHost: x\r\n\r\n`);
    sockets.push(socket);
  }
  await expect.poll(() => asked.size).toBe(MAX_PAGES);

  const refused = await app.ask(PATH);
  expect(refused).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
  expect((await app.ask('/livez')).status).toBe(200);

  const [leaving] = sockets;
  leaving?.destroy();
  await expect.poll(() => app.logged.some(({ aborted }) => aborted)).toBe(true);
  const served = app.ask(PATH);
  await expect.poll(() => asked.size).toBe(MAX_PAGES + 1);
  for (const answer of asked) answer();
  expect((await served).status).toBe(200);
  for (const socket of sockets.slice(1)) {
    socket.destroy();
    await once(socket, 'close');
  }
});

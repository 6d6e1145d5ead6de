import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';

import { createPeerClient, PEER_LIMITS } from '#src/runtime/peer-client.ts';

import {
  serveAnswer,
  serveBytes,
  serveDrip,
  serveEndless,
  serveGzipBomb,
  serveHeld,
  serveHttp,
  serveRaw,
  serveReset,
  serveSilence,
} from '../support/hostile-servers.ts';
import { loopbackClient, textOf } from '../support/loopback-client.ts';

const contentType = 'text/plain';
const body = Buffer.from('old 0\n\na note\n');
const largest = Buffer.alloc(PEER_LIMITS.requestBytes, 'x');

describe('an honest peer', () => {
  test('gets the bytes with their type and length, and its answer comes back whatever its status', async () => {
    const asked: { method?: string | undefined; headers: object; body: Buffer }[] = [];
    await using server = await serveHttp((request, response) => {
      void readAll(request).then((body) => {
        asked.push({ method: request.method, headers: request.headers, body });
        response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end('7\n');
      });
    });
    await using client = loopbackClient();
    for (const sent of [body, Buffer.alloc(0), largest]) {
      const outcome = await client.post(`${server.url}add?x=1`, sent, { contentType });
      expect(outcome).toMatchObject({ kind: 'ok', status: 409, contentType: 'text/x.tlog.size' });
      expect(textOf(outcome)).toBe('7\n');
      expect(asked.pop()).toEqual({
        method: 'POST',
        headers: {
          host: `127.0.0.1:${server.port}`,
          accept: '*/*',
          'accept-encoding': 'identity',
          connection: 'close',
          'user-agent': 'eirel',
          'content-type': contentType,
          'content-length': String(sent.length),
        },
        body: sent,
      });
    }
  });

  test('that answers before it has read the body is heard', async () => {
    await using server = await serveBytes(
      'HTTP/1.1 429 Too Many\r\ncontent-length: 4\r\n\r\nlate',
      {
        keepOpen: true,
      },
    );
    await using client = loopbackClient();
    const outcome = await client.post(server.url, largest, { contentType });
    expect([outcome, textOf(outcome)]).toMatchObject([{ kind: 'ok', status: 429 }, 'late']);
  });
});

describe('a hostile peer', () => {
  test('is sent the bytes once: a redirect, whatever it asks to be repeated, is not followed', async () => {
    await using victim = await serveAnswer(200, {}, 'secret');
    await using client = loopbackClient();
    for (const status of [301, 302, 303, 307, 308]) {
      await using server = await serveAnswer(status, { location: victim.url }, '');
      const outcome = await client.post(server.url, body, { contentType });
      expect(outcome).toMatchObject({ reason: 'redirected' });
      expect(server.connectionCount()).toBe(1);
    }
    expect(victim.connectionCount()).toBe(0);
  });

  test('that leads to a forbidden address is not even contacted', async () => {
    await using server = await serveAnswer(200, {}, '');
    await using client = createPeerClient({ allowLoopback: false });
    for (const url of [server.url, `http://[::ffff:127.0.0.1]:${server.port}/`]) {
      expect(await client.post(url, body, { contentType })).toMatchObject({
        reason: 'address-forbidden',
      });
    }
    expect(await client.post('ftp://a/', body, { contentType })).toMatchObject({
      reason: 'address-invalid',
    });
    expect(server.connectionCount()).toBe(0);
  });

  test('that never answers, or never reads, costs the headers time-out', async () => {
    await using silent = await serveSilence();
    await using deaf = await serveRaw((socket) => void socket.pause());
    await using client = loopbackClient({ headersTimeoutMs: 100 });
    for (const { url } of [silent, deaf]) {
      expect(await client.post(url, largest, { contentType })).toMatchObject({
        reason: 'timeout',
        detail: expect.stringContaining('headers'),
      });
    }
  });

  test('meets every limit on responses', async () => {
    const head = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
    const cases = [
      [await serveEndless(head, Buffer.from(`1000\r\n${'x'.repeat(4_096)}\r\n`)), 'body-too-large'],
      [
        await serveEndless('HTTP/1.1 200 OK\r\n', Buffer.from(`x: ${'y'.repeat(1_000)}\r\n`)),
        'headers-too-large',
      ],
      [await serveGzipBomb(1_000_000), 'encoding-refused'],
      [await serveDrip(head), 'malformed-response'],
      [await serveDrip('HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n'), 'too-slow'],
      [await serveReset(1_000, 10), 'truncated'],
      [await serveBytes(''), 'truncated'],
      [await serveBytes('HTTP/1.1 100 Continue\r\n\r\n'.repeat(20)), 'malformed-response'],
    ] as const;
    await using client = loopbackClient({ ratePeriodMs: 200 });
    for (const [server, reason] of cases) {
      await using hostile = server;
      expect(await client.post(hostile.url, body, { contentType }), reason).toMatchObject({
        reason,
      });
    }
    await using server = await serveAnswer(200, {}, 'x'.repeat(11));
    expect(await client.post(server.url, body, { contentType, maxBytes: 10 })).toMatchObject({
      reason: 'body-too-large',
    });
  });

  test('shares its places with what is fetched from it', async () => {
    await using server = await serveHeld();
    await using client = loopbackClient({ perPeerConcurrency: 1, perPeerWaiting: 1 });
    const first = client.get(server.url);
    const second = client.post(server.url, body, { contentType });
    const third = await client.post(server.url, body, { contentType });
    expect(third).toMatchObject({ reason: 'peer-busy' });
    server.release();
    expect(await Promise.all([first, second])).toMatchObject([{ kind: 'ok' }, { kind: 'ok' }]);
  });
});

test("the caller's signal and the client's disposal end what is sent", async () => {
  await using server = await serveSilence();
  const client = loopbackClient();
  const caller = new AbortController();
  const given = client.post(server.url, body, { contentType, signal: caller.signal });
  caller.abort();
  expect(await given).toMatchObject({ reason: 'aborted' });
  const running = client.post(server.url, body, { contentType });
  await client[Symbol.asyncDispose]();
  expect(await running).toMatchObject({ reason: 'aborted' });
  expect(await client.post(server.url, body, { contentType })).toMatchObject({ reason: 'aborted' });
});

test('more than the limit is a programming error, and nothing is sent', async () => {
  await using server = await serveSilence();
  await using client = loopbackClient();
  const larger = Buffer.alloc(PEER_LIMITS.requestBytes + 1);
  await expect(client.post(server.url, larger, { contentType })).rejects.toThrow(
    'body: 65537 bytes, expected at most 65536',
  );
  expect(server.connectionCount()).toBe(0);
});

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer); // safe: no encoding is set
  return Buffer.concat(chunks);
}

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { createPeerClient, PEER_LIMITS } from '#src/runtime/peer-client.ts';

import {
  serveAnswer,
  serveBytes,
  serveDrip,
  serveEndless,
  serveGzipBomb,
  serveRaw,
  serveReset,
  serveSilence,
} from '../support/hostile-servers.ts';
import { fetchOnce, loopbackClient } from '../support/loopback-client.ts';

const MIB = 1_024 * 1_024;
const KERNEL_BUFFERS_BYTES = 16 * MIB; // what sender and receiver may hold of one connection on this system

describe('a giant response', () => {
  test('of one gibibyte is cut at the limit: neither the server nor this process gets further', async () => {
    const head = 'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n';
    await using server = await serveEndless(head, new Uint8Array(64 * 1_024), 1_024 * MIB);
    const beforeBytes = process.memoryUsage.rss();
    expect(await fetchOnce(server)).toMatchObject({ reason: 'body-too-large' });
    expect(process.memoryUsage.rss() - beforeBytes).toBeLessThan(64 * MIB);
    expect(server.sentBytes()).toBeLessThan(PEER_LIMITS.bodyBytes + KERNEL_BUFFERS_BYTES);
  });

  test('is refused by its announcement alone', async () => {
    await using server = await serveBytes(`HTTP/1.1 200 OK\r\ncontent-length: ${MIB}\r\n\r\n`, {
      keepOpen: true,
    });
    expect(await fetchOnce(server, { bodyBytes: MIB - 1 })).toMatchObject({
      reason: 'body-too-large',
    });
  });

  test('of endless chunks is cut at the limit', async () => {
    const head = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
    await using server = await serveEndless(head, Buffer.from(`1000\r\n${'x'.repeat(4_096)}\r\n`));
    expect(await fetchOnce(server)).toMatchObject({ reason: 'body-too-large' });
    expect(server.sentBytes()).toBeLessThan(PEER_LIMITS.bodyBytes + KERNEL_BUFFERS_BYTES);
  });

  test('of chunks that are tiny, or small beside their extensions, is refused for its framing', async () => {
    const head = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
    const payload = 'x'.repeat(0x100);
    for (const chunk of [
      '1\r\nx\r\n',
      '20\r\n'.padEnd(36, 'x').concat('\r\n'),
      `100;${payload}${payload}\r\n${payload}\r\n`,
    ]) {
      await using server = await serveEndless(head, Buffer.from(chunk.repeat(1_000)));
      expect(await fetchOnce(server), chunk).toMatchObject({
        reason: 'malformed-response',
        detail: expect.stringContaining('framing'),
      });
    }
  });

  test('of chunk extensions is refused', async () => {
    const head = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;';
    await using server = await serveEndless(head, Buffer.from('e'.repeat(4_096)));
    expect(await fetchOnce(server)).toMatchObject({ reason: 'malformed-response' });
  });

  test('of any status is cut', async () => {
    await using server = await serveAnswer(500, {}, new Uint8Array(2_000));
    expect(await fetchOnce(server, { bodyBytes: 1_000 })).toMatchObject({
      reason: 'body-too-large',
    });
  });

  test('maxBytes replaces the limit for one call', async () => {
    await using server = await serveAnswer(200, {}, new Uint8Array(2_000));
    await using client = loopbackClient({ bodyBytes: 1_000 });
    expect(await client.get(server.url, { maxBytes: 2_000 })).toMatchObject({ kind: 'ok' });
    expect(await client.get(server.url, { maxBytes: 1_999 })).toMatchObject({
      reason: 'body-too-large',
    });
  });

  test('of headers is refused, in the head, in the trailers and in interim responses', async () => {
    const flood = Buffer.from(`x: ${'y'.repeat(1_000)}\r\n`);
    for (const start of [
      'HTTP/1.1 200 OK\r\n',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n',
      'HTTP/1.1 103 Early Hints\r\n',
    ]) {
      await using server = await serveEndless(start, flood);
      expect(await fetchOnce(server), start).toMatchObject({ reason: 'headers-too-large' });
    }
  });

  test('of headers is measured by the client, not by the default of the HTTP parser', async () => {
    await using server = await serveAnswer(200, { x: 'y'.repeat(2_000) }, '');
    expect(await fetchOnce(server)).toMatchObject({ kind: 'ok' });
    expect(await fetchOnce(server, { headerBytes: 2_000 })).toMatchObject({
      reason: 'headers-too-large',
    });
  });

  test('of interim responses is refused', async () => {
    for (const status of ['100 Continue', '103 Early Hints']) {
      await using server = await serveEndless(
        '',
        Buffer.from(`HTTP/1.1 ${status}\r\n\r\n`.repeat(100)),
      );
      expect(await fetchOnce(server), status).toMatchObject({ reason: 'malformed-response' });
    }
  });
});

describe('a compressed response', () => {
  test('is never inflated', async () => {
    await using server = await serveGzipBomb(64 * MIB);
    expect(await fetchOnce(server)).toMatchObject({ reason: 'encoding-refused' });
  });

  test('is refused under whatever name and however it is repeated', async () => {
    for (const header of [
      'content-encoding: br',
      'content-encoding: GZIP',
      'content-encoding: identity\r\ncontent-encoding: gzip',
      'transfer-encoding: gzip, chunked',
    ]) {
      await using server = await serveBytes(`HTTP/1.1 200 OK\r\n${header}\r\n\r\n0\r\n\r\n`);
      expect(await fetchOnce(server), header).toMatchObject({ reason: 'encoding-refused' });
    }
  });

  test('named identity is not compressed', async () => {
    await using server = await serveAnswer(200, { 'content-encoding': 'Identity' }, 'x');
    expect(await fetchOnce(server)).toMatchObject({ kind: 'ok' });
  });
});

describe('a slow server', () => {
  test('that never answers costs the headers time-out', async () => {
    await using server = await serveSilence();
    expect(await fetchOnce(server, { headersTimeoutMs: 50 })).toMatchObject({
      reason: 'timeout',
      detail: expect.stringContaining('headers'),
    });
  });

  test('that drips its headers costs the headers time-out', async () => {
    await using server = await serveDrip('HTTP/1.1 200 OK\r\nx: ');
    expect(await fetchOnce(server, { headersTimeoutMs: 100 })).toMatchObject({
      reason: 'timeout',
      detail: expect.stringContaining('headers'),
    });
  });

  test('that drips its body is cut after one period of the minimum rate', async () => {
    for (const framing of ['content-length: 1000000', 'connection: close']) {
      await using server = await serveDrip(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n`);
      expect(await fetchOnce(server, { ratePeriodMs: 100 })).toMatchObject({ reason: 'too-slow' });
    }
  });

  test('that starts fast and then stalls is cut too', async () => {
    await using server = await serveBytes(
      `HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n${'x'.repeat(100_000)}`,
      { keepOpen: true },
    );
    expect(await fetchOnce(server, { ratePeriodMs: 50 })).toMatchObject({
      reason: 'too-slow',
      detail: expect.stringMatching(/^0 body bytes/),
    });
  });

  test('that keeps to the minimum rate is cut by the total time-out', async () => {
    await using server = await serveDrip('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n');
    const outcome = await fetchOnce(server, {
      connectTimeoutMs: 150, // over by then, and without effect
      headersTimeoutMs: 150,
      ratePeriodMs: 60,
      rateBytesPerPeriod: 1,
      totalTimeoutMs: 300,
    });
    expect(outcome).toMatchObject({ reason: 'timeout', detail: expect.stringContaining('300 ms') });
  });

  test('that never finishes the TLS handshake costs the connect time-out', async () => {
    await using server = await serveSilence();
    await using client = loopbackClient({ connectTimeoutMs: 50 });
    const outcome = await client.get(`https://127.0.0.1:${server.port}/`);
    expect(outcome).toMatchObject({
      reason: 'timeout',
      detail: expect.stringContaining('connection'),
    });
  });

  test('a name that never resolves costs the connect time-out', async () => {
    const lookup = () => new Promise<never>(() => {});
    await using client = createPeerClient({
      allowLoopback: true,
      lookup,
      limits: { connectTimeoutMs: 50 },
    });
    expect(await client.get('http://slow.example/')).toMatchObject({ reason: 'timeout' });
  });
});

describe('a broken response', () => {
  test('reset in its body is truncated', async () => {
    await using server = await serveReset(1_000, 10);
    expect(await fetchOnce(server)).toMatchObject({ reason: 'truncated' });
  });

  test('shorter than announced is truncated', async () => {
    for (const head of ['content-length: 11', 'transfer-encoding: chunked']) {
      await using server = await serveBytes(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n5\r\nabcde`);
      expect(await fetchOnce(server), head).toMatchObject({ reason: 'truncated' });
    }
  });

  test('closed before the headers were complete is truncated', async () => {
    for (const bytes of ['', 'HTTP/1.1 200 OK\r\nx: y']) {
      await using server = await serveBytes(bytes);
      expect(await fetchOnce(server), bytes).toMatchObject({ reason: 'truncated' });
    }
  });

  test('that is no HTTP/1 final response is malformed', async () => {
    for (const bytes of [
      'SSH-2.0-OpenSSH_9.6\r\n',
      'hello\r\n\r\n',
      'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab',
      'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n',
      'HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\n',
      'HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabcdefHTTP/1.1 200 OK\r\n\r\n',
      'HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
      'HTTP/1.1 200 OK\r\na b: c\r\n\r\n',
      'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
      'HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n',
      'HTTP/1.1 000 Odd\r\ncontent-length: 0\r\n\r\n',
    ]) {
      await using server = await serveBytes(bytes, { keepOpen: true });
      expect(await fetchOnce(server), bytes).toMatchObject({ reason: 'malformed-response' });
    }
  });

  test('of random bytes is a value, never an exception', async () => {
    let bytes: Uint8Array = new Uint8Array();
    await using server = await serveRaw((socket) => void socket.end(bytes));
    await using client = loopbackClient();
    const line = fc.constantFrom(
      'HTTP/1.1 200 OK\r\n',
      'content-length: 5\r\n',
      'transfer-encoding: chunked\r\n',
      '\r\n',
      '5\r\n',
      '0\r\n',
    );
    const part = fc.oneof(
      line.map((ascii) => Buffer.from(ascii)),
      fc.uint8Array({ maxLength: 8 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 8 }), async (parts) => {
        bytes = Buffer.concat(parts);
        expect(['ok', 'refused']).toContain((await client.get(server.url)).kind);
      }),
      { numRuns: 200 },
    );
  });

  test('of a port where nobody listens is unreachable', async () => {
    const { url } = await (async () => {
      await using server = await serveSilence();
      return { url: server.url };
    })();
    await using client = loopbackClient();
    expect(await client.get(url)).toMatchObject({ reason: 'unreachable', detail: 'ECONNREFUSED' });
  });
});

describe('a redirect', () => {
  test('is reported and not followed', async () => {
    await using victim = await serveAnswer(200, {}, 'secret');
    for (const location of [
      victim.url,
      'http://169.254.169.254/latest/meta-data/',
      '/same-origin',
      '\u00ff'.repeat(500),
    ]) {
      for (const status of [301, 302, 303, 307, 308]) {
        await using server = await serveAnswer(status, { location }, '');
        const outcome = await fetchOnce(server);
        expect(outcome).toMatchObject({ reason: 'redirected' });
        expect(outcome.kind === 'refused' && outcome.detail.length).toBeLessThan(200);
        expect(server.connectionCount()).toBe(1);
      }
    }
    expect(victim.connectionCount()).toBe(0);
  });
});

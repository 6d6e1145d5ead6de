import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createTcpServer } from 'node:net';
import { promisify } from 'node:util';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { createPeerClient } from '#src/runtime/peer-client.ts';

import {
  listen,
  serveAnswer,
  serveDeepJson,
  serveHeld,
  serveHttp,
  serveSilence,
} from '../support/hostile-servers.ts';
import { fetchOnce, loopbackClient, textOf } from '../support/loopback-client.ts';

describe('an honest response', () => {
  test('comes back with status, content type and body', async () => {
    await using server = await serveAnswer(200, { 'content-type': 'application/json' }, '{"a":1}');
    const outcome = await fetchOnce(server);
    expect(outcome).toMatchObject({ kind: 'ok', status: 200, contentType: 'application/json' });
    expect(textOf(outcome)).toBe('{"a":1}');
  });

  test("of any final status but a redirect is the caller's to judge", async () => {
    for (const status of [204, 400, 404, 500, 503]) {
      await using server = await serveAnswer(status, {}, '');
      expect(await fetchOnce(server)).toMatchObject({ kind: 'ok', status, contentType: null });
    }
  });

  test('is accepted up to the last byte of the limit and not one further, however it is chunked', async () => {
    const limitBytes = 40_000; // more than one segment of the collector
    let body: Uint8Array = new Uint8Array();
    let cuts: readonly number[] = [];
    await using server = await serveHttp((request, response) => {
      if (request.url === '/announced')
        return void response.setHeader('content-length', body.length).end(body);
      let start = 0;
      for (const end of [...cuts, body.length]) {
        response.write(body.subarray(start, end));
        start = end;
      }
      response.end();
    });
    await using client = loopbackClient({ bodyBytes: limitBytes });
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: limitBytes - 3, maxLength: limitBytes + 3 }),
        fc.array(fc.integer({ min: 0, max: limitBytes - 3 }), { maxLength: 5 }),
        fc.constantFrom('announced', 'chunked'),
        async (bytes, ends, path) => {
          body = bytes;
          cuts = ends.toSorted((a, b) => a - b);
          const outcome = await client.get(`${server.url}${path}`);
          if (bytes.length > limitBytes)
            expect(outcome).toMatchObject({ reason: 'body-too-large' });
          else expect(outcome).toMatchObject({ kind: 'ok', body: bytes });
        },
      ),
      { numRuns: 60 },
    );
  });

  test('100,000 nested arrays are bytes like any other', async () => {
    await using server = await serveDeepJson(100_000);
    const outcome = await fetchOnce(server);
    expect(outcome.kind === 'ok' && outcome.body.length).toBe(200_000);
  });

  test('the request asks for no encoding, carries no cookie and closes the connection', async () => {
    await using server = await serveHttp((request, response) => {
      response.setHeader('set-cookie', 'session=1').end(JSON.stringify(request.headers));
    });
    await using client = loopbackClient();
    await client.get(server.url);
    const outcome = await client.get(server.url);
    expect(JSON.parse(textOf(outcome))).toEqual({
      host: `127.0.0.1:${server.port}`,
      accept: '*/*',
      'accept-encoding': 'identity',
      connection: 'close',
      'user-agent': 'eirel',
    });
    expect(server.connectionCount()).toBe(2);
  });
});

describe('where it connects', () => {
  test('a loopback server is not even contacted without allowLoopback', async () => {
    await using server = await serveAnswer(200, {}, 'secret');
    await using client = createPeerClient({ allowLoopback: false });
    for (const host of [
      '127.0.0.1',
      '2130706433',
      '0.0.0.0',
      '[::ffff:127.0.0.1]',
      '[::ffff:0:127.0.0.1]',
      'localhost',
    ]) {
      expect(await client.get(`http://${host}:${server.port}/`), host).toMatchObject({
        reason: 'address-forbidden',
      });
    }
    expect(server.connectionCount()).toBe(0);
  });

  test('a name is resolved once, so an answer that changes afterwards is never followed', async () => {
    await using server = await serveHttp(
      (request, response) => void response.end(request.headers.host),
    );
    const answers = ['127.0.0.1', '169.254.169.254', '10.0.0.1'];
    let asked = 0;
    const lookup = async () => [{ address: answers[asked++] ?? 'exhausted' }];
    await using client = createPeerClient({ allowLoopback: true, lookup });
    const outcome = await client.get(`http://rebind.example:${server.port}/`);
    expect(textOf(outcome)).toBe(`rebind.example:${server.port}`);
    expect(asked).toBe(1);
    expect(await client.get(`http://rebind.example:${server.port}/`)).toMatchObject({
      reason: 'address-forbidden',
    });
    expect(server.connectionCount()).toBe(1);
  });

  test('a name with one forbidden address is not contacted at all', async () => {
    await using server = await serveAnswer(200, {}, 'x');
    const lookup = async () => [{ address: '127.0.0.1' }, { address: '10.0.0.1' }];
    await using client = createPeerClient({ allowLoopback: true, lookup });
    expect(await client.get(`http://mixed.example:${server.port}/`)).toMatchObject({
      reason: 'address-forbidden',
    });
    expect(server.connectionCount()).toBe(0);
  });

  test('the next address of a name is tried when the first does not answer', async () => {
    await using server = await serveAnswer(200, {}, 'x');
    const lookup = async () => [
      { address: '127.0.0.2' },
      { address: '::1' },
      { address: '127.0.0.1' },
    ];
    await using client = createPeerClient({ allowLoopback: true, lookup });
    expect(await client.get(`http://several.example:${server.port}/`)).toMatchObject({
      kind: 'ok',
    });
  });

  test('a name that does not resolve is unreachable', async () => {
    const lookup = async () =>
      Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }));
    await using client = createPeerClient({ allowLoopback: true, lookup });
    expect(await client.get('http://gone.example/')).toMatchObject({
      reason: 'unreachable',
      detail: expect.stringContaining('ENOTFOUND'),
    });
  });

  test('a name without an address is unreachable, one with a crowd of them is forbidden', async () => {
    for (const [count, reason] of [
      [0, 'unreachable'],
      [65, 'address-forbidden'],
    ] as const) {
      const lookup = async () => Array.from({ length: count }, () => ({ address: '127.0.0.1' }));
      await using client = createPeerClient({ allowLoopback: true, lookup });
      expect(await client.get('http://odd.example/')).toMatchObject({ reason });
    }
  });

  test('a proxy in the environment is ignored', async () => {
    await using server = await serveAnswer(200, {}, 'direct');
    await using proxy = await serveAnswer(200, {}, 'proxied');
    const module = new URL('../../src/runtime/peer-client.ts', import.meta.url).href;
    const script = `
      const { createPeerClient } = await import(${JSON.stringify(module)});
      const { body } = await createPeerClient({ allowLoopback: true }).get(${JSON.stringify(server.url)});
      console.log(Buffer.from(body).toString());`;
    const env = {
      NODE_USE_ENV_PROXY: '1',
      HTTP_PROXY: proxy.url,
      http_proxy: proxy.url,
      NO_PROXY: '',
      no_proxy: '',
    };
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '-e', script],
      { env },
    );
    expect(stdout).toBe('direct\n');
    expect(proxy.connectionCount()).toBe(0);
  });
});

describe('giving up', () => {
  test("the caller's signal ends a request in flight and closes its connection", async () => {
    const tcp = createTcpServer();
    await using server = await listen(tcp);
    await using client = loopbackClient();
    const caller = new AbortController();
    const outcome = client.get(server.url, { signal: caller.signal });
    const [socket] = await once(tcp, 'connection');
    await once(socket.resume(), 'data'); // the request is on its way
    caller.abort();
    expect(await outcome).toMatchObject({ reason: 'aborted' });
    await once(socket, 'close');
  });

  test("the caller's signal ends a request that waits, without using its turn", async () => {
    await using server = await serveHeld();
    await using client = loopbackClient({ perPeerConcurrency: 1, perPeerWaiting: 1 });
    const caller = new AbortController();
    const first = client.get(server.url);
    const waiting = client.get(server.url, { signal: caller.signal });
    caller.abort();
    expect(await waiting).toMatchObject({ reason: 'aborted' });
    const next = client.get(server.url);
    server.release();
    expect(await Promise.all([first, next])).toMatchObject([{ kind: 'ok' }, { kind: 'ok' }]);
    expect(server.connectionCount()).toBe(2);
  });

  test('a signal that is aborted already sends nothing', async () => {
    await using server = await serveSilence();
    await using client = loopbackClient();
    expect(await client.get(server.url, { signal: AbortSignal.abort() })).toMatchObject({
      reason: 'aborted',
    });
    expect(server.connectionCount()).toBe(0);
  });

  test('disposing the client ends what is in flight and what waits, and nothing starts afterwards', async () => {
    await using server = await serveSilence();
    const client = loopbackClient({ perPeerConcurrency: 1 });
    const outcomes = [client.get(server.url), client.get(server.url)];
    await client[Symbol.asyncDispose]();
    expect(await Promise.all(outcomes)).toMatchObject([
      { reason: 'aborted' },
      { reason: 'aborted' },
    ]);
    expect(await client.get(server.url)).toMatchObject({ reason: 'aborted' });
  });
});

describe('a programming error', () => {
  test('a limit that is no positive integer is refused with its name', async () => {
    expect(() => loopbackClient({ bodyBytes: 0 })).toThrow(
      'bodyBytes: 0, expected a positive integer',
    );
    await using client = loopbackClient();
    await expect(client.get('http://127.0.0.1/', { maxBytes: 1.5 })).rejects.toThrow(
      'maxBytes: 1.5',
    );
  });
});

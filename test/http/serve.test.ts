import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { serve } from '#src/http/serve.ts';
import { ask, serveOnLoopback } from './client.ts';

const ok = (_req: unknown, res: { end: (text: string) => void }): void => res.end('ok');

test('header fields beyond 8 KiB are 431, and the connection ends', async () => {
  await using served = await serveOnLoopback(ok);
  expect((await ask(served.url, '/', { headers: { 'x-a': 'a'.repeat(7_000) } })).status).toBe(200);
  const reply = await ask(served.url, '/', { headers: { 'x-a': 'a'.repeat(9_000) } });
  expect([reply.status, reply.headers['connection']]).toEqual([431, 'close']);
  expect((await ask(served.url, `/${'a'.repeat(9_000)}`)).status).toBe(431);
});

test('what is not HTTP, or HTTP of two minds, is 400, and the connection ends', async () => {
  await using served = await serveOnLoopback(ok);
  for (const text of [
    'hello\r\n\r\n',
    'GET / HTTP/1.1\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n',
  ]) {
    const socket = open(served.url);
    socket.write(text);
    expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 400 /);
  }
});

test('a request that dribbles in is cut off with 408', async () => {
  await using served = await serveOnLoopback(ok);
  const socket = open(served.url);
  socket.write('GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ');
  expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 408 /);
});

test('the url leads to the server, and a taken or impossible address is refused by name', async () => {
  await using served = await serveOnLoopback(ok);
  expect((await ask(served.url, '/')).text).toBe('ok');
  const { port } = new URL(served.url);
  for (const [host, taken] of [
    ['127.0.0.1', Number(port)],
    ['192.0.2.1', 0],
  ] as const) {
    const attempt = serve(ok, {
      host,
      port: taken,
      signal: new AbortController().signal,
      onError: () => undefined,
    });
    await expect(attempt).rejects.toMatchObject({
      code: 'input.invalid',
      details: { field: 'address', value: `${host}:${taken}` },
    });
  }
});

test('an address has its share of the connections, and what is beyond it is closed as it comes', async () => {
  await using served = await serve(ok, {
    host: '127.0.0.1',
    port: 0,
    signal: new AbortController().signal,
    onError: () => undefined,
    connectionsPerAddress: 2,
  });
  const first = open(served.url);
  const second = open(served.url);
  for (const socket of [first, second]) {
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(socket, 'data');
  }
  expect(await readAll(open(served.url))).toBe('');
  first.destroy();
  second.destroy();
  await expect.poll(() => ask(served.url, '/').catch(() => null)).toMatchObject({ status: 200 });
});

test('disposing lets the answer under way finish and drops idle connections', async () => {
  const asked = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const served = await serveOnLoopback((req, res) => {
    if (req.url !== '/held') return void res.end('ok');
    asked.resolve();
    void release.promise.then(() => res.end('whole'));
  });
  const idle = open(served.url);
  idle.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(idle, 'data');
  const reply = ask(served.url, '/held');
  await asked.promise;
  const disposed = served[Symbol.asyncDispose]();
  await once(idle, 'close');
  release.resolve();
  expect((await reply).text).toBe('whole');
  await disposed;
  await expect(ask(served.url, '/')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('an answer that never ends does not keep the server from ending', async () => {
  const asked = Promise.withResolvers<void>();
  const served = await serveOnLoopback(() => asked.resolve());
  const reply = ask(served.url, '/');
  await asked.promise;
  const [, outcome] = await Promise.all([
    served[Symbol.asyncDispose](),
    reply.catch((error: unknown) => error),
  ]);
  expect(outcome).toMatchObject({ code: 'ECONNRESET' });
});

test('an abort ends the server; disposing afterwards is fine, and so is disposing twice', async () => {
  const controller = new AbortController();
  const served = await serveOnLoopback(ok, controller.signal);
  controller.abort();
  await served[Symbol.asyncDispose]();
  await served[Symbol.asyncDispose]();
  await expect(ask(served.url, '/')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await expect(serveOnLoopback(ok, controller.signal)).rejects.toMatchObject({
    name: 'AbortError',
  });
});

function open(url: string): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined); // a reset is one of the ways in which the server may end a connection
  return socket;
}

async function readAll(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  await once(socket, 'close');
  return text;
}

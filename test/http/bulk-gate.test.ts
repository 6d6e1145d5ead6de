import { once } from 'node:events';
import { connect } from 'node:net';
import express from 'express';
import { expect, test } from 'vitest';
import { createBulkGate } from '#src/http/bulk-gate.ts';
import { ask, serveOnLoopback } from './client.ts';

test('answers enter while their bytes fit, and make room when their connections are done', async () => {
  const gate = createBulkGate({ maxBytes: 100, graceMs: 60_000 });
  const entered: boolean[] = [];
  const finish: (() => void)[] = [];
  const app = express().use((req, res) => {
    entered.push(gate.enter(res, Number(req.url.slice(1))));
    finish.push(() => res.end());
  });
  await using served = await serveOnLoopback(app);
  const asked = [];
  for (const bytes of [60, 50, 40, 1]) {
    asked.push(ask(served.url, `/${bytes}`));
    await expect.poll(() => entered.length).toBe(asked.length);
  }
  expect(entered).toEqual([true, false, true, false]);
  finish[0]?.();
  await asked[0];
  asked.push(ask(served.url, '/60'));
  await expect.poll(() => entered.length).toBe(asked.length);
  expect(entered.at(-1)).toBe(true);
  for (const end of finish) end();
  await Promise.all(asked);
});

test('a client that does not read its answer in time loses its connection, and the place is free again', async () => {
  const gate = createBulkGate({ maxBytes: 100, graceMs: 100 });
  const large = Buffer.alloc(32 * 1024 * 1024); // more than the system's own buffers take
  const entered: boolean[] = [];
  const app = express().use((req, res) => {
    entered.push(gate.enter(res, 100));
    if (entered.at(-1) === false) res.end('busy');
    else res.end(req.url === '/large' ? large : 'free');
  });
  await using served = await serveOnLoopback(app);
  const { hostname, port } = new URL(served.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined); // the connection is cut
  socket.pause();
  socket.write('GET /large HTTP/1.1\r\nHost: x\r\n\r\n');
  await expect.poll(() => entered.length).toBe(1);
  await expect.poll(async () => (await ask(served.url, '/')).text).toBe('free');
  let received = 0;
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length;
  });
  socket.resume();
  await once(socket, 'close');
  expect(received).toBeLessThan(large.length);
});

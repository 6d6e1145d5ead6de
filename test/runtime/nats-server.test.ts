import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findNatsServer, searchNatsServer, startNatsServer } from '#src/runtime/nats-server.ts';
import { localServerConfig } from '#src/runtime/nats-server-config.ts';
import { fakeNatsServer } from '../support/fake-nats-server.ts';
import { testAccount, testNatsServer } from '../support/nats-server.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'eirel-test-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const fakeServer = (name: string, version: string) => fakeNatsServer(join(dir, name), version);

test('NATS_SERVER comes before PATH, and PATH before the cache', async () => {
  await fakeServer('nats-server', '2.15.2');
  const named = await fakeServer('named', '2.15.3');
  const cached = await fakeServer('cached', '2.15.4');
  const search = async (env: Record<string, string>) =>
    (await searchNatsServer(env, cached)).found?.version;
  expect(await search({ NATS_SERVER: named, PATH: dir })).toBe('2.15.3');
  expect(await search({ PATH: dir })).toBe('2.15.2');
  expect(await search({})).toBe('2.15.4');
});

test('a nats-server without atomic batches is refused with its version, and the search goes on', async () => {
  const old = await fakeServer('old', '2.9.0');
  const cached = await fakeServer('cached', '2.12.0');
  expect(await searchNatsServer({ NATS_SERVER: old }, cached)).toEqual({
    found: { path: cached, version: '2.12.0', origin: 'cache' },
    refused: [{ path: old, origin: 'NATS_SERVER', reason: expect.stringContaining('2.9.0') }],
  });
});

test('what is not a nats-server is refused', async () => {
  const missing = join(dir, 'missing');
  const { refused } = await searchNatsServer({ NATS_SERVER: missing }, missing);
  expect(refused).toEqual([
    { path: missing, origin: 'NATS_SERVER', reason: 'is not an executable file' },
  ]);
  const { refused: node } = await searchNatsServer({ NATS_SERVER: process.execPath }, missing);
  expect(node).toHaveLength(1);
});

test('a started server takes clients, and is gone after its disposal', async () => {
  const server = await testNatsServer();
  const connection = await server.connectAs('admin');
  expect(connection.info?.jetstream).toBe(true);
  await connection.close();
  await server[Symbol.asyncDispose]();
  await expect(server.connectAs('admin')).rejects.toThrow('connection refused');
  await expect(stat(server.dir)).rejects.toThrow('ENOENT');
});

test('a killed server comes back on the same address with its streams', async () => {
  await using server = await testNatsServer();
  const create = JSON.stringify({ name: 'validator', subjects: ['validator.>'] });
  const before = await server.connectAs('admin');
  await before.request('$JS.API.STREAM.CREATE.validator', create);
  await before.request('validator.score.recorded.f.r', 'event');
  await before.close();

  await server.kill();
  await server.restart();
  const after = await server.connectAs('reader');
  const info = await after.request('$JS.API.STREAM.INFO.validator');
  expect(info.json()).toMatchObject({ state: { messages: 1 } });
  await after.close();
});

test('a server that ends before it listens is an error with what it said', async () => {
  const { path } = await findNatsServer(process.env);
  const start = startNatsServer({ path, config: 'jetstream: [', dir });
  await expect(start).rejects.toMatchObject({
    code: 'nats-server.failed',
    details: { exitCode: 1, stderr: expect.stringContaining('Parse error') },
  });
  expect(await readdir(dir)).toEqual(['nats-server.conf']);
});

test('a program that can not be run is an error', async () => {
  const path = join(dir, 'missing');
  const start = startNatsServer({ path, config: '', dir });
  await expect(start).rejects.toMatchObject({ code: 'nats-server.failed' });
});

test('an aborted start ends the process and throws the reason', async () => {
  const path = join(dir, 'hangs');
  await writeFile(path, '#!/bin/sh\nexec sleep 60\n');
  await chmod(path, 0o755);
  const stop = new AbortController();
  const start = startNatsServer({ path, config: '', dir, signal: stop.signal });
  stop.abort(new Error('enough'));
  await expect(start).rejects.toThrow('enough');
});

test('the configuration, which holds passwords, is readable by its owner alone', async () => {
  await using server = await testNatsServer();
  const { mode } = await stat(join(server.dir, 'nats-server.conf'));
  expect(mode & 0o777).toBe(0o600);
});

test.for(['a.b', 'a*', '>', 'a b', ''])('the account name "%s" is refused', (name) => {
  const accounts = [testAccount(name, ['validator'])];
  expect(() => localServerConfig({ storeDir: dir, accounts })).toThrow('account name');
});

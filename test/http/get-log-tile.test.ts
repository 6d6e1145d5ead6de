import { createReadStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { MAX_BULK_BYTES } from '#src/http/bulk-gate.ts';
import type { PublishedFile } from '#src/http/published-log.ts';
import { entriesPath, tilePath } from '#src/merkle/tile.ts';
import { publishedFiles } from '#src/runtime/published-files.ts';
import { listen } from '../support/hostile-servers.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { startApp } from './client.ts';
import { fakeLog } from './fake-log.ts';
import { fakeValidator } from './fake-validator.ts';

/** Grown one event at a time, so that every partial tile was needed by a checkpoint once. */
const grown = fakeLog(Array.from({ length: 600 }, (_, size) => size + 1));

test('every file of a log of 600 events is served under its path, as a plain file server serves the folder', async () => {
  await using folder = await scratchDirectory();
  for (const [path, bytes] of grown.files) {
    const file = join(folder.path, 'log', path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, bytes);
  }
  await using plain = await listen(
    createServer((req, res) => void createReadStream(join(folder.path, req.url ?? '')).pipe(res)),
  );
  const publishedLog = { ...grown, file: publishedFiles(join(folder.path, 'log')) };
  await using app = await startApp(fakeValidator({}, { publishedLog }));
  // A bundle and a tile for each event, two tiles of one and of two hashes of whole tiles, the checkpoint.
  expect(grown.files.size).toBe(600 + 600 + 2 + 1);
  for (const [path, bytes] of grown.files) {
    // Over connections that stay open, unlike `ask`; these paths need no care.
    const reply = await fetch(new URL(`/log/${path}`, app.url));
    const same = await fetch(new URL(`/log/${path}`, plain.url));
    expect([path, reply.status]).toEqual([path, 200]);
    expect(Buffer.from(await reply.arrayBuffer()).equals(bytes), path).toBe(true);
    expect(Buffer.from(await same.arrayBuffer()).equals(bytes), path).toBe(true);
    if (path === 'checkpoint') continue;
    expect(Object.fromEntries(reply.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'cache-control': 'public, max-age=31536000, immutable',
      'access-control-allow-origin': '*',
      'content-length': String(bytes.length),
    });
  }
});

test('what the checkpoint does not cover is not served, though it lies there already', async () => {
  let size = 600;
  const publishedLog = {
    ...grown,
    checkpoint: () => ({ size, note: Buffer.from('') }),
  };
  await using app = await startApp(fakeValidator({}, { publishedLog }));
  const cases = [
    ['tile/0/002.p/88', 600],
    ['tile/entries/002.p/88', 600],
    ['tile/0/001', 512],
    ['tile/1/000.p/2', 512],
    ['tile/0/000.p/1', 1],
  ] as const;
  for (const [path, needed] of cases) {
    size = needed;
    expect([path, (await app.ask(`/log/${path}`)).status]).toEqual([path, 200]);
    size = needed - 1;
    const reply = await app.ask(`/log/${path}`);
    expect([path, reply.status, reply.headers['cache-control']]).toEqual([path, 404, 'no-store']);
  }
});

test('what no checkpoint needed is not served, and neither is an empty tile', async () => {
  const publishedLog = fakeLog([100, 300]);
  await using app = await startApp(fakeValidator({}, { publishedLog }));
  const status = async (path: string) => (await app.ask(`/log/${path}`)).status;
  expect(await status('tile/0/000.p/100')).toBe(200);
  expect(await status('tile/0/000.p/99')).toBe(404);
  expect(await status('tile/0/001.p/44')).toBe(200);
  expect(await status('tile/0/001.p/45')).toBe(404);
  expect(await status('tile/0/001')).toBe(404);
  expect(await status('tile/0/002')).toBe(404);
  expect(await status('tile/1/000.p/1')).toBe(200);
  expect(await status('tile/2/000.p/1')).toBe(404);
  expect(await status('tile/2/000')).toBe(404);
  expect(await status('tile/63/000')).toBe(404);
  expect(await status('tile/0/x999/x999/x999/x999/999')).toBe(404);
});

test('before the first checkpoint there is no tile', async () => {
  const publishedLog = { ...grown, checkpoint: () => null };
  await using app = await startApp(fakeValidator({}, { publishedLog }));
  const reply = await app.ask('/log/tile/0/000');
  expect([reply.status, reply.json()]).toMatchObject([404, { reason: 'not-published' }]);
});

test('no path that a tile does not have comes near the disk', async () => {
  const asked: string[] = [];
  const publishedLog = {
    checkpoint: () => ({ size: 2 ** 40, note: Buffer.from('') }),
    file: async (path: string) => {
      asked.push(path);
      return null;
    },
  };
  await using app = await startApp(fakeValidator({}, { publishedLog }));
  const malformed = [
    '0',
    '0/0',
    '0/00',
    '0/0000',
    '0/1',
    '00/000',
    '01/000',
    '-1/000',
    '+0/000',
    '64/000',
    '0x0/000',
    '0/000/',
    '0//000',
    '/0/000',
    '0/000.p',
    '0/000.p/',
    '0/000.p/0',
    '0/000.p/00',
    '0/000.p/01',
    '0/000.p/256',
    '0/000.p/257',
    '0/000.p/1e1',
    '0/000.p/-1',
    '0/000.P/1',
    '0/000.p/1/',
    '0/000.p/1.p/1',
    '0/x000/000',
    '0/x001',
    '0/001/234',
    '0/X001/234',
    '0/x001/x234',
    '0/x1/234',
    '0/x001/234/',
    '0/x001/x234/x067/',
    '0/x999/x999/x999/x999/x999/999',
    '0/000%2ep/1',
    '0%2f000',
    '0/x001%2f234',
    '0/%30%30%30',
    '0/000%00',
    '0/000%0a',
    '0/000;x',
    '0/٠٠٠',
    '0/000.p/1%20',
    '..%2f..%2f..%2fetc/passwd',
    '%2e%2e/%2e%2e/checkpoint',
    '../checkpoint',
    '../../etc/passwd',
    '0/../0/000',
    './0/000',
    '0/.../000',
    '0\\000',
    '..\\..\\x',
    'entries',
    'entries/',
    'entries/0',
    'entries/000.p/0',
    'entries/000.p/256',
    'Entries/000',
    'entries/x000/000',
    'entries/../0/000',
    `0/${'x001/'.repeat(1_000)}000`,
  ];
  for (const path of malformed) {
    const reply = await app.ask(`/log/tile/${encodeURI(path).replaceAll('%25', '%')}`);
    expect([path, reply.status]).toEqual([path, 404]);
    expect(reply.headers['content-type']).toBe('application/problem+json');
    expect(reply.body.length).toBeLessThan(1_000);
  }
  for (const path of ['%', '%zz', '0/%ff']) {
    expect((await app.ask(`/log/tile/${path}`)).status).toBe(400);
  }
  expect((await app.ask('/log/tile/0/000?x=1')).status).toBe(400);
  expect(asked).toEqual([]);
  const canonical = ['tile/0/000', 'tile/0/x001/x234/067', 'tile/entries/x001/067.p/7'];
  for (const path of canonical) await app.ask(`/log/${path}`);
  expect(asked).toEqual(canonical);
});

test('a tag that the client has gives 304', async () => {
  await using app = await startApp(fakeValidator({}, { publishedLog: grown }));
  const { headers } = await app.ask('/log/tile/0/000');
  const again = await app.ask('/log/tile/0/000', {
    headers: { 'if-none-match': headers['etag'] ?? '' },
  });
  expect([again.status, again.body.length]).toEqual([304, 0]);
});

test('a damaged file is a fault, which nobody keeps, and not a tile', async () => {
  for (const [path, bytes] of [
    [tilePath(0, 0, 256), 8_191],
    [tilePath(0, 0, 256), 0],
    [entriesPath(0, 256), 0],
  ] as const) {
    const file = async (): Promise<PublishedFile> => ({
      size: bytes,
      read: async () => Buffer.alloc(bytes),
    });
    await using app = await startApp(fakeValidator({}, { publishedLog: { ...grown, file } }));
    const reply = await app.ask(`/log/${path}`);
    expect([reply.status, reply.headers['cache-control']]).toEqual([500, 'no-store']);
    expect(app.logged.at(-1)?.error).toMatchObject({ code: 'file.unreadable' });
  }
});

test('a partial tile that is removed while it is asked for is not there', async () => {
  const file = async (): Promise<PublishedFile> => ({ size: 32, read: async () => null });
  await using app = await startApp(fakeValidator({}, { publishedLog: { ...grown, file } }));
  expect((await app.ask('/log/tile/0/000.p/1')).status).toBe(404);
});

test('bundles of the greatest size are read a few at a time: the others are told to come back', async () => {
  const size = 256 * 65_537;
  const places = Math.floor(MAX_BULK_BYTES / size);
  const reading = new Set<() => void>();
  const file = async (): Promise<PublishedFile> => ({
    size,
    read: () => new Promise((resolve) => reading.add(() => resolve(null))),
  });
  await using app = await startApp(fakeValidator({}, { publishedLog: { ...grown, file } }));
  const held = Array.from({ length: places }, () => app.ask('/log/tile/entries/000'));
  await expect.poll(() => reading.size).toBe(places);
  const refused = await Promise.all(
    Array.from({ length: 50 }, () => app.ask('/log/tile/entries/001')),
  );
  for (const { status, headers } of refused) {
    expect([status, headers['retry-after']]).toEqual([503, '1']);
  }
  expect(reading.size).toBe(places);
  expect((await app.ask('/livez')).status).toBe(200);
  for (const done of reading) done();
  for (const reply of await Promise.all(held)) expect(reply.status).toBe(404);
});

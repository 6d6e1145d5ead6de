import { describe, expect, test } from 'vitest';
import { verifyInclusion } from '#src/merkle/proof.ts';
import { tilePath } from '#src/merkle/tile.ts';
import { parseTlogProof } from '#src/merkle/tlog-proof.ts';
import { leafOf } from '#src/merkle/tree.ts';
import { startApp } from './client.ts';
import { type FakeLog, fakeLog } from './fake-log.ts';
import { fakeValidator } from './fake-validator.ts';

describe('the checkpoint', () => {
  test('is the note as it was published, and is asked for again each time', async () => {
    const publishedLog = fakeLog([5]);
    await using app = await startApp(fakeValidator({}, { publishedLog }));
    const reply = await app.ask('/log/checkpoint');
    expect(reply.body).toEqual(publishedLog.files.get('checkpoint'));
    expect(reply.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'public, no-cache',
    });
    const tag = { 'if-none-match': reply.headers['etag'] ?? '' };
    expect((await app.ask('/log/checkpoint', { headers: tag })).status).toBe(304);
  });

  test('that was replaced is served at once', async () => {
    let log = fakeLog([5]);
    const publishedLog = { ...log, checkpoint: () => log.checkpoint() };
    await using app = await startApp(fakeValidator({}, { publishedLog }));
    const before = await app.ask('/log/checkpoint');
    log = fakeLog([6]);
    const tag = { 'if-none-match': before.headers['etag'] ?? '' };
    const after = await app.ask('/log/checkpoint', { headers: tag });
    expect(after).toMatchObject({ status: 200, body: log.checkpoint()?.note });
  });

  test('is 404 before there is one, and so is every proof', async () => {
    const publishedLog = { ...fakeLog([5]), checkpoint: () => null };
    await using app = await startApp(fakeValidator({}, { publishedLog }));
    for (const path of ['/log/checkpoint', '/log/proof/0']) {
      const reply = await app.ask(path);
      expect([path, reply.status]).toEqual([path, 404]);
      expect(reply.json()).toMatchObject({ reason: 'not-published' });
    }
  });
});

describe('a proof', () => {
  test('of every event leads to the root of the checkpoint that it carries', async () => {
    for (const size of [1, 2, 255, 256, 257, 300]) {
      const publishedLog = fakeLog([size]);
      await using app = await startApp(fakeValidator({}, { publishedLog }));
      const step = Math.ceil(size / 25);
      for (let n = 0; n < size; n += step) {
        const reply = await app.ask(`/log/proof/${n}`);
        expect(reply.headers['content-type']).toBe('text/plain; charset=utf-8');
        expectProven(reply.body, n, publishedLog);
      }
      const beyond = await app.ask(`/log/proof/${size}`);
      expect([beyond.status, beyond.json()]).toMatchObject([404, { field: 'n' }]);
    }
  });

  test('has the same bytes while the checkpoint stands, and the client is told so', async () => {
    await using app = await startApp(fakeValidator());
    const { headers } = await app.ask('/log/proof/3');
    expect(headers['cache-control']).toBe('public, no-cache');
    const again = await app.ask('/log/proof/3', {
      headers: { 'if-none-match': headers['etag'] ?? '' },
    });
    expect(again.status).toBe(304);
  });

  test('is made from a full tile where the log grew past the partial one meanwhile', async () => {
    const log = fakeLog([200, 300]);
    const { note } = fakeLog([200]).checkpoint() ?? { note: Buffer.from('') };
    const publishedLog = {
      ...log,
      checkpoint: () => ({ size: 200, note }),
      file: async (path: string) => (path === tilePath(0, 0, 200) ? null : log.file(path)),
    };
    await using app = await startApp(fakeValidator({}, { publishedLog }));
    const reply = await app.ask('/log/proof/7');
    expectProven(reply.body, 7, { ...fakeLog([200]) });
  });

  test('that a missing or damaged tile prevents is a fault, for the operator to see', async () => {
    for (const file of [
      async () => null,
      async () => ({ size: 1, read: async () => Buffer.alloc(1) }),
    ]) {
      const publishedLog = { ...fakeLog([5]), file };
      await using app = await startApp(fakeValidator({}, { publishedLog }));
      expect((await app.ask('/log/proof/1')).status).toBe(500);
    }
  });

  test('is made for one address no more often than it may be; the tiles are there for whoever needs many', async () => {
    await using app = await startApp(fakeValidator());
    const replies = await Promise.all(Array.from({ length: 200 }, () => app.ask('/log/proof/7')));
    const refused = replies.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThanOrEqual(100);
    for (const { headers } of refused) expect(headers['retry-after']).toBe('1');
    expect((await app.ask('/log/tile/0/000')).status).toBe(200);
  });

  test('of an index that is not a plain whole number is refused by name', async () => {
    await using app = await startApp(fakeValidator());
    for (const n of ['-1', '01', '1.0', '1e1', 'x', '%20', '9007199254740992', '1%2f2', '٣']) {
      const reply = await app.ask(`/log/proof/${encodeURI(n).replaceAll('%25', '%')}`);
      expect([n, reply.status]).toEqual([n, 400]);
      expect(reply.json()).toMatchObject({ field: 'n' });
    }
  });
});

test('the description of the log may be kept for a minute', async () => {
  await using app = await startApp(fakeValidator());
  const reply = await app.ask('/log/.well-known/eirel-log.json');
  expect(reply.headers).toMatchObject({
    'content-type': 'application/json',
    'cache-control': 'public, max-age=60',
  });
  expect(reply.json()).toMatchObject({ v: 'eirel-log/1', mirrors: [] });
});

function expectProven(bytes: Uint8Array, n: number, log: FakeLog): void {
  const { index, proof, checkpoint } = parseTlogProof(bytes);
  const size = log.payloads.length;
  expect([index, checkpoint]).toEqual([n, log.files.get('checkpoint')]);
  const leaf = leafOf(log.payloads[n] ?? Buffer.from(''));
  expect([size, n, verifyInclusion({ leaf, index, size, proof, root: log.root })]).toEqual([
    size,
    n,
    true,
  ]);
}

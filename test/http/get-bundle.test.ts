import { expect, test } from 'vitest';
import type { RunBundle } from '#src/http/get-bundle.ts';
import { startApp } from './client.ts';
import { fakeValidator } from './fake-validator.ts';

const PATH = '/bundle/run-7';

test('a bundle is served as it was built, under its own type', async () => {
  const bytes = Buffer.from('{"format":"eirel-bundle/1"}');
  const asked: string[][] = [];
  const bundle = async (family: string, run: string): Promise<RunBundle> => {
    asked.push([family, run]);
    return { kind: 'ready', bytes };
  };
  await using app = await startApp(fakeValidator({}, { bundle }));
  const reply = await app.ask(PATH);
  expect(reply.body).toEqual(bytes);
  expect(reply.headers).toMatchObject({
    'content-type': 'application/vnd.eirel.bundle.v1+json',
    'cache-control': 'public, no-cache',
    'access-control-allow-origin': '*',
  });
  const tag = { 'if-none-match': reply.headers['etag'] ?? '' };
  expect((await app.ask(`${PATH}?family=deep_research`, { headers: tag })).status).toBe(304);
  expect(asked).toEqual([
    ['general_chat', 'run-7'],
    ['deep_research', 'run-7'],
  ]);
});

test('a bundle that is sealed, not complete yet, or of an unknown run is told apart', async () => {
  const cases: [RunBundle, number, object][] = [
    [{ kind: 'sealed', untilBlock: 9 }, 425, { untilBlock: 9 }],
    [{ kind: 'pending', detail: 'Not yet.' }, 404, { reason: 'none-yet', detail: 'Not yet.' }],
    [{ kind: 'unknown' }, 404, { reason: 'unknown-run' }],
  ];
  for (const [answer, status, members] of cases) {
    await using app = await startApp(fakeValidator({}, { bundle: async () => answer }));
    const reply = await app.ask(PATH);
    expect([reply.status, reply.json()]).toMatchObject([status, members]);
  }
});

test('those who ask for one bundle at the same time share its building, and a crowd is told to come back', async () => {
  const built = Promise.withResolvers<RunBundle>();
  let builds = 0;
  const bundle = (): Promise<RunBundle> => {
    builds += 1;
    return built.promise;
  };
  await using app = await startApp(fakeValidator({}, { bundle }));
  const crowd = Array.from({ length: 70 }, () => app.ask(PATH));
  await expect.poll(() => app.logged.length).toBe(20);
  expect(app.logged.every(({ status }) => status === 429)).toBe(true);
  expect(builds).toBe(1);
  built.resolve({ kind: 'ready', bytes: Buffer.from('{}') });
  const replies = await Promise.all(crowd);
  expect(replies.filter(({ status }) => status === 200)).toHaveLength(50);
});

test('a building that fails is a fault once, and tried again by the next', async () => {
  let builds = 0;
  const bundle = async (): Promise<RunBundle> => {
    builds += 1;
    if (builds === 1) throw new Error('the disk');
    return { kind: 'ready', bytes: Buffer.from('{}') };
  };
  await using app = await startApp(fakeValidator({}, { bundle }));
  expect((await app.ask(PATH)).status).toBe(500);
  expect((await app.ask(PATH)).status).toBe(200);
});

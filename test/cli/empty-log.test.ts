import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EXIT } from '#src/cli/exit-codes.ts';
import { type Env, environmentOf, validatorEnvironment } from '#src/cli/subnet/validators.ts';
import { sha256 } from '#src/events/hash.ts';
import { applyStream, streamConfig } from '#src/runtime/streams.ts';
import { until } from '../support/live-until.ts';
import { type TestNatsServer, testAccount, testNatsServer } from '../support/nats-server.ts';
import { eirelHere } from '../support/process-eirel.ts';
import { recordAll, SOURCE, scoresRecorded } from '../support/recorded-events.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

const account = testAccount('v1', ['validator']);

/** A chain that nobody answers for. */
const NOWHERE = { url: 'ws://127.0.0.1:1', genesisHash: sha256('nowhere') };

let server: TestNatsServer;
let dir: string;
let env: Env;
const cleanup = new AsyncDisposableStack();
beforeAll(async () => {
  dir = cleanup.use(await scratchDirectory()).path;
  server = cleanup.use(await testNatsServer({ accounts: [account] }));
  env = await environmentOf(account, 'reader', { dir, natsUrl: server.url });
});
afterAll(() => cleanup.disposeAsync());

test('without its stream a log is missing, and the way out is named', async () => {
  for (const argv of [['tail'], ['replay'], ['rebuild'], ['export', join(dir, 'log.jsonl')]]) {
    const { code, out, err } = await eirelHere(argv, env);
    expect({ argv, code, out }).toEqual({ argv, code: EXIT.unavailable, out: '' });
    expect(err).toContain('stream validator, found: no such stream');
    expect(err).toContain('next: run `eirel streams apply`');
  }
  const admin = await server.connectAs('admin');
  await applyStream(admin, streamConfig('validator'));
  await admin.close();
});

test('an empty log has no name to derive anything from: nothing is written', async () => {
  const before = await readdir(dir, { recursive: true });
  for (const argv of [
    ['replay'],
    ['rebuild'],
    ['export', join(dir, 'log.jsonl')],
    ['tail', '--no-follow'],
  ]) {
    const { code, out, err } = await eirelHere(argv, env);
    expect({ argv, code, out }).toEqual({ argv, code: EXIT.refused, out: '' });
    expect(err).toContain('field: log, value: no events, expected: a log that holds its first');
  }
  expect(await readdir(dir, { recursive: true })).toEqual(before);
});

test('an empty log that is called by its name is read as what it is', async () => {
  const { code, out } = await eirelHere(['replay', '--source', SOURCE, '--json'], env);
  expect(code).toBe(EXIT.ok);
  expect(JSON.parse(out)).toMatchObject({ source: SOURCE, events: 0, decisions: [] });
});

test('a tail that is stopped before the first event ends well', async () => {
  const stop = new AbortController();
  const tail = eirelHere(['tail'], env, { signal: stop.signal });
  stop.abort(new Error('stopped by the test'));
  expect(await tail).toEqual({ code: EXIT.ok, out: '', err: '' });
});

test('a validator that waits for the chain to say that its log is new ends well when it is stopped, and has begun nothing', async () => {
  const stop = new AbortController();
  const signing = join(dir, 'v1', 'signing');
  const settings = {
    ...(await validatorEnvironment(account, { dir, natsUrl: server.url, chain: NOWHERE })),
    EIREL_LOG_LEVEL: 'silent',
  };
  const validator = eirelHere(['validator'], settings, { signal: stop.signal });
  const holdsDatabase = async (): Promise<boolean> =>
    (await readdir(signing).catch((): string[] => [])).includes('signing.db');
  await until('the signing directory is open', holdsDatabase);
  stop.abort(new Error('stopped by the test'));
  expect(await validator).toEqual({ code: EXIT.ok, out: '', err: '' });
  expect(await readdir(signing)).toEqual(['signing.db']);
  const { out } = await eirelHere(['replay', '--source', SOURCE, '--json'], env);
  expect(JSON.parse(out)).toMatchObject({ events: 0 });
});

test('a tail waits for the first event, and names the log by it', async () => {
  const stop = new AbortController();
  const admin = await server.connectAs('admin');
  // The first request finds the log empty; what comes after that is the wait.
  const requests = admin.subscribe('$JS.API.DIRECT.GET.validator', { max: 2 });
  await admin.flush();
  const lines: string[] = [];
  const tail = eirelHere(['tail', '--json'], env, {
    signal: stop.signal,
    out: (text) => {
      lines.push(text);
      if (lines.length === 2) stop.abort();
    },
  });
  for await (const _request of requests) continue;
  await admin.close();
  const writer = await server.connectAs('writer');
  const { payloads } = recordAll(scoresRecorded(2));
  for (const payload of payloads)
    await writer.request('validator.score.recorded.general_chat.run-1', payload);
  await writer.close();
  expect(await tail).toMatchObject({ code: EXIT.ok, err: '' });
  expect(lines).toEqual(payloads.map((payload) => `${Buffer.from(payload).toString()}\n`));
});

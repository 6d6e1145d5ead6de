import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { EXIT } from '#src/cli/exit-codes.ts';
import { type Env, environmentOf } from '#src/cli/subnet/validators.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { type NatsRole, natsCredential } from '#src/runtime/nats-server-config.ts';
import { applyStream, streamConfig } from '#src/runtime/streams.ts';
import { PROCESS_TEST_TIMEOUT_MS } from '../support/live-until.ts';
import { type TestNatsServer, testAccount, testNatsServer } from '../support/nats-server.ts';
import { eirelHere } from '../support/process-eirel.ts';
import { hotkey, recordAll, SOURCE, scoresRecorded } from '../support/recorded-events.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

vi.setConfig({ testTimeout: PROCESS_TEST_TIMEOUT_MS, hookTimeout: PROCESS_TEST_TIMEOUT_MS });

/** More than two atomic batches. */
const EVENTS = 2_300;

/** An event whose text holds what Unicode takes for the end of a line. */
const separators: DomainEvent = {
  type: 'peer-report.rejected.v1',
  data: {
    family: 'general_chat',
    run: 'run-1',
    peer: hotkey('b'),
    reason: 'malformed-response',
    detail: 'a\u2028b\u2029c\u0085d',
    digest: null,
  },
};

const account = testAccount('v1', ['validator']);
const { payloads, head } = recordAll([separators, ...scoresRecorded(EVENTS - 1)]);

let [server, dir]: [TestNatsServer | undefined, string] = [undefined, ''];
const cleanup = new AsyncDisposableStack();
beforeAll(async () => {
  dir = cleanup.use(await scratchDirectory()).path;
  server = cleanup.use(await testNatsServer({ accounts: [account] }));
  const admin = await server.connectAs('admin');
  await applyStream(admin, streamConfig('validator'));
  await admin.close();
});
afterAll(() => cleanup.disposeAsync());

async function eirel(argv: readonly string[], role: NatsRole = 'writer') {
  const env: Env = await environmentOf(account, role, { dir, natsUrl: server?.url ?? '' });
  return eirelHere(argv, env);
}

function fileOf(lines: readonly Uint8Array[]): Buffer {
  return Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]));
}

async function write(name: string, content: Uint8Array): Promise<string> {
  const file = join(dir, name);
  await writeFile(file, content);
  return file;
}

const text = (index: number): string => Buffer.from(payloads[index] ?? []).toString();
const damaged = (index: number, line: string): Buffer =>
  fileOf(payloads.with(index, Buffer.from(line)));

/** Files that are no log, and what is found at which place. */
const broken: readonly [what: string, content: Buffer, fault: string, code: number][] = [
  ['something else', Buffer.from('hello\n'), 'index: 0, found: no event', EXIT.mismatch],
  ['JSON of another kind', Buffer.from('{"a":1}\n'), 'index: 0, found: no event', EXIT.mismatch],
  [
    'a line that was altered',
    damaged(1_500, text(1_500).replace('"score":1499', '"score":1498')),
    'index: 1501',
    EXIT.mismatch,
  ],
  [
    'its last line altered',
    damaged(EVENTS - 1, text(EVENTS - 1).replace('task-2298', 'task-2299')),
    `index: ${EVENTS - 1}`,
    EXIT.mismatch,
  ],
  ['a line missing', fileOf(payloads.toSpliced(2_200, 1)), 'index: 2200', EXIT.mismatch],
  [
    'a line twice',
    fileOf(payloads.toSpliced(7, 0, payloads[7] ?? Buffer.of())),
    'index: 8',
    EXIT.mismatch,
  ],
  [
    'two lines exchanged',
    fileOf(payloads.with(3, payloads[4] ?? Buffer.of()).with(4, payloads[3] ?? Buffer.of())),
    'index: 3',
    EXIT.mismatch,
  ],
  ['a blank line', fileOf(payloads.toSpliced(5, 0, Buffer.of())), 'index: 5', EXIT.mismatch],
  [
    'a line cut short',
    damaged(EVENTS - 1, text(EVENTS - 1).slice(0, -1)),
    `index: ${EVENTS - 1}`,
    EXIT.mismatch,
  ],
  ['spaces in a line', damaged(9, text(9).replace(':', ': ')), 'index: 9', EXIT.mismatch],
  [
    'a line that is too long',
    damaged(4, 'x'.repeat(70_000)),
    'index: 4, value: 70000 bytes, expected: lines of at most 65535 bytes',
    EXIT.refused,
  ],
  ['a start in the middle', fileOf(payloads.slice(1)), 'index: 0', EXIT.mismatch],
];

test.for(broken)(
  'a log with %s is refused whole: the stream stays empty',
  async ([, content, fault, code]) => {
    const file = await write('broken.jsonl', content);
    const refused = await eirel(['import', file]);
    expect({ code: refused.code, out: refused.out }).toEqual({ code, out: '' });
    expect(refused.err).toContain(fault);
    const replayed = await eirel(['replay', '--source', SOURCE, '--json'], 'reader');
    expect(JSON.parse(replayed.out)).toMatchObject({ events: 0, decisions: [] });
  },
);

test('an empty file is a log without events', async () => {
  const imported = await eirel(['import', await write('none.jsonl', Buffer.of()), '--json']);
  expect(imported.code).toBe(EXIT.ok);
  expect(JSON.parse(imported.out)).toMatchObject({ events: 0, hash: '0'.repeat(64) });
});

test('a whole log comes in and goes out with the same bytes, whatever its text holds', async () => {
  const content = fileOf(payloads);
  const [file, again] = [await write('log.jsonl', content), join(dir, 'again.jsonl')];
  const imported = await eirel(['import', file, '--json']);
  expect(imported.code, imported.err).toBe(EXIT.ok);
  expect(JSON.parse(imported.out)).toEqual({ file, events: EVENTS, hash: head.hash });
  expect(imported.err).toContain('importing: 100 %');
  const exported = await eirel(['export', again], 'reader');
  expect(exported.out).toBe(`${EVENTS} events in ${again}, last leaf ${head.hash}\n`);
  expect(await readFile(again)).toEqual(content);
  const twice = await eirel(['import', file]);
  expect(twice).toMatchObject({
    code: EXIT.refused,
    err: expect.stringContaining(
      `stream: validator, value: ${EVENTS} events, expected: an empty stream`,
    ),
  });
});

test('a stream that holds something else than a log is named at its first message', async () => {
  await using other = await testNatsServer({ accounts: [account] });
  const admin = await other.connectAs('admin');
  await applyStream(admin, streamConfig('validator'));
  await admin.request('validator.score.recorded.general_chat.run-1', 'not an event');
  await admin.close();
  const env = await environmentOf(account, 'reader', { dir, natsUrl: other.url });
  for (const argv of [
    ['replay'],
    ['tail', '--no-follow'],
    ['export', join(dir, 'x')],
    ['rebuild'],
  ]) {
    const { code, err } = await eirelHere(argv, env);
    expect({ argv, code }).toEqual({ argv, code: EXIT.mismatch });
    expect(err).toContain('log.broken: index: 0, found: no event');
  }
});

test('commands on streams that were never created say what is missing', async () => {
  await using other = await testNatsServer({ accounts: [account] });
  const env = await environmentOf(account, 'admin', { dir, natsUrl: other.url });
  expect(natsCredential(account, 'admin').user).toBe(env['EIREL_NATS_USER']);
  const verified = await eirelHere(['streams', 'verify'], env);
  expect(verified.code).toBe(EXIT.mismatch);
  expect(verified.out).toContain('stream: expected "validator", found nothing');
  const replayed = await eirelHere(['replay'], env);
  expect(replayed.code).toBe(EXIT.unavailable);
  expect(replayed.err).toContain('found: no such stream, next: run `eirel streams apply`');
});

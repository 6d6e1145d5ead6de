import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { EXIT } from '#src/cli/exit-codes.ts';
import type { Env } from '#src/cli/subnet/validators.ts';
import { jetStreamStore } from '#src/runtime/jetstream-store.ts';
import { connectNats, natsLink } from '#src/runtime/nats-link.ts';
import { type NatsRole, natsCredential } from '#src/runtime/nats-server-config.ts';
import { recreateStream, streamConfig } from '#src/runtime/streams.ts';
import { wholeLog } from '../support/live-checkpoint.ts';
import { type LiveLog, readLog } from '../support/live-log.ts';
import { liveRun } from '../support/live-run.ts';
import { type LiveSubnet, liveSubnet } from '../support/live-subnet.ts';
import { PROCESS_TEST_TIMEOUT_MS, until } from '../support/live-until.ts';
import { eirelHere } from '../support/process-eirel.ts';

vi.setConfig({ testTimeout: PROCESS_TEST_TIMEOUT_MS, hookTimeout: PROCESS_TEST_TIMEOUT_MS });

let subnet: LiveSubnet;
let sequence = 0;
beforeAll(async () => {
  subnet = await liveSubnet({ validators: ['v1'] });
});
afterAll(() => subnet[Symbol.asyncDispose]());

/** Runs a command beside the validator's files, signed in at the stream in a role. */
async function eirel(argv: readonly string[], role: NatsRole = 'writer') {
  const { cliEnvironment, environment } = subnet;
  const env: Env = { ...(await environment('v1')), ...(await cliEnvironment('v1', role)) };
  return eirelHere(argv, { ...env, EIREL_LOG_LEVEL: 'silent' });
}

const dataDir = (): string => join(subnet.dir, 'v1');

/** The validator records something more, and everything is published; gives the log. */
async function grow(): Promise<LiveLog> {
  const { size } = (await readLog(subnet.nats, 'v1')).head;
  sequence++;
  await subnet.command('v1', 'runs.open', JSON.stringify(liveRun(sequence, subnet.chain.block())));
  await until('more events', async () => (await readLog(subnet.nats, 'v1')).head.size > size);
  return (await wholeLog(subnet, 'v1')).log;
}

async function stop(): Promise<void> {
  await subnet.processOf('v1')[Symbol.asyncDispose]();
}

/** Deletes the stream, and fills it with these payloads. */
async function replaceStream(payloads: readonly Uint8Array[]): Promise<void> {
  const [account] = subnet.nats.accounts;
  if (account === undefined) throw new Error('an account');
  const credential = natsCredential(account, 'admin');
  const nc = await connectNats({ url: subnet.nats.url, name: 'a test', ...credential });
  try {
    await recreateStream(nc, streamConfig('validator'));
    const store = jetStreamStore(natsLink(nc, credential.inboxPrefix), {
      name: 'validator',
      source: '',
    });
    const messages = payloads.map((payload) => ({ subject: 'validator.a.test', payload }));
    if (messages.length > 0) await store.publish(messages, 0);
  } finally {
    await nc.close();
  }
}

function altered(payloads: readonly Uint8Array[], index: number): readonly Uint8Array[] {
  return payloads.map((payload, at) =>
    at === index ? payload.with(payload.length - 40, 0x58) : payload,
  );
}

const hexOf = ({ payloads }: LiveLog): readonly string[] =>
  payloads.map((payload) => Buffer.from(payload).toString('hex'));

test('an entry is shown with its proof, from the files and from the running validator', async () => {
  const log = await grow();
  for (const from of [[], ['--from', dataDir()], ['--from', subnet.processOf('v1').url]]) {
    const { code, out } = await eirel(['log', 'show', '0', ...from, '--json']);
    expect(code).toBe(EXIT.ok);
    expect(JSON.parse(out)).toMatchObject({
      index: 0,
      leaf: log.events[0]?.hash,
      event: { type: 'log.started.v1', n: 0 },
      checkpoint: { origin: log.source, size: log.head.size },
    });
  }
  const { out } = await eirel(['log', 'show', '1']);
  expect(out).toContain(`entry 1 of ${log.source}`);
  expect(out).toContain(`proved: it is in the tree of ${log.head.size} events`);
  expect(await eirel(['log', 'show', '100000'])).toMatchObject({ code: EXIT.refused });
  expect(await eirel(['log', 'show', 'one'])).toMatchObject({ code: EXIT.usage });
});

test('a log that runs is left alone; one that was stopped is compared', async () => {
  for (const command of [['status'], ['repair'], ['init'], ['retire', '0']])
    expect(await eirel(['log', ...command])).toMatchObject({ code: EXIT.conflict });
  await grow();
  await stop();
  const log = await readLog(subnet.nats, 'v1');
  const { code, out } = await eirel(['log', 'status', '--json']);
  expect(code).toBe(EXIT.ok);
  const { size } = log.head;
  expect(JSON.parse(out)).toMatchObject({
    source: log.source,
    stream: { size },
    signed: { size },
    published: { size },
    tiles: { kind: 'whole' },
    decision: { kind: 'go-on', gap: 0 },
  });
  expect(JSON.parse((await eirel(['log', 'init', '--json'])).out)).toMatchObject({
    result: 'begun before',
  });
  expect(JSON.parse((await eirel(['log', 'repair', '--json'])).out)).toMatchObject({
    files: 'whole',
    stream: { kind: 'whole' },
  });
});

test('a stream that is lost is rebuilt byte for byte', async () => {
  const before = await readLog(subnet.nats, 'v1');
  await replaceStream([]);
  const { code, out } = await eirel(['log', 'status']);
  expect(code).toBe(EXIT.mismatch);
  expect(out).toContain('the stream lost its end: the next start appends it from event 0 on');
  const repaired = await eirel(['log', 'repair', '--json']);
  expect(repaired.code).toBe(EXIT.ok);
  expect(JSON.parse(repaired.out)).toMatchObject({
    files: 'whole',
    stream: { kind: 'append', from: 0 },
  });
  expect(hexOf(await readLog(subnet.nats, 'v1'))).toEqual(hexOf(before));
});

test('a stream that holds another event is deleted and filled anew, by the administrator alone', async () => {
  const before = await readLog(subnet.nats, 'v1');
  await replaceStream(altered(before.payloads, 2));
  const plan = await eirel(['log', 'repair', '--dry-run', '--json']);
  expect(JSON.parse(plan.out)).toMatchObject({
    dryRun: true,
    stream: { kind: 'rebuild', index: 2, kept: 0, lost: 0 },
  });
  expect(await eirel(['log', 'repair'], 'writer')).toMatchObject({ code: EXIT.unavailable });
  expect(await eirel(['log', 'repair'], 'admin')).toMatchObject({ code: EXIT.ok });
  expect(hexOf(await readLog(subnet.nats, 'v1'))).toEqual(hexOf(before));
  expect(await eirel(['log', 'status'])).toMatchObject({ code: EXIT.ok });
});

test('an event that no checkpoint covers yet and that does not follow is told, and given up by a repair', async () => {
  const before = await readLog(subnet.nats, 'v1');
  const { size } = before.head;
  await replaceStream([...before.payloads, Buffer.from('{}')]);
  const { code, out } = await eirel(['log', 'status']);
  expect(code).toBe(EXIT.mismatch);
  expect(out).toMatch(new RegExp(`event ${size}, .* is missing or altered: .eirel log repair`));
  const repaired = await eirel(['log', 'repair', '--json'], 'admin');
  expect(JSON.parse(repaired.out)).toMatchObject({
    stream: { kind: 'rebuild', index: size, kept: 0, lost: 1 },
  });
  expect(hexOf(await readLog(subnet.nats, 'v1'))).toEqual(hexOf(before));
  expect(await eirel(['log', 'status'])).toMatchObject({ code: EXIT.ok });
});

test('published files that are damaged are written again, from the stream or from a copy', async () => {
  const { head } = await readLog(subnet.nats, 'v1');
  const copy = join(subnet.dir, 'copy');
  await cp(join(dataDir(), 'log'), copy, { recursive: true });
  const file = join(dataDir(), 'log', `tile/0/000.p/${head.size}`);
  const whole = await readFile(file);
  for (const from of [[], ['--from', copy]]) {
    await writeFile(file, whole.with(7, (whole[7] ?? 0) ^ 1));
    const { code, out } = await eirel(['log', 'status']);
    expect(code).toBe(EXIT.mismatch);
    expect(out).toContain(`tile/0/000.p/${head.size} is damaged`);
    expect(await eirel(['log', 'repair', ...from])).toMatchObject({ code: EXIT.ok });
    expect(Buffer.compare(await readFile(file), whole)).toBe(0);
    expect(await eirel(['log', 'status'])).toMatchObject({ code: EXIT.ok });
  }
});

test('a checkpoint that nobody can open, beside a file that is damaged, is written again from the stream', async () => {
  const { head } = await readLog(subnet.nats, 'v1');
  const folder = join(dataDir(), 'log');
  const entries = join(folder, `tile/entries/000.p/${head.size}`);
  const whole = await readFile(entries);
  const checkpoint = await readFile(join(folder, 'checkpoint'));
  await writeFile(entries, whole.with(-9, 0x58));
  await writeFile(join(folder, 'checkpoint'), Buffer.alloc(checkpoint.length));
  const status = await eirel(['log', 'status']);
  expect(status).toMatchObject({ code: EXIT.mismatch });
  expect(status.out).toMatch(/unreadable.*eirel log repair/);
  expect(await eirel(['log', 'repair'])).toMatchObject({ code: EXIT.ok });
  expect(Buffer.compare(await readFile(entries), whole)).toBe(0);
  expect(await eirel(['log', 'status'])).toMatchObject({ code: EXIT.ok });
});

test('a repair that broke off is told from a log that is whole', async () => {
  const file = join(dataDir(), 'log-repair.tail');
  await writeFile(file, '');
  await expect(subnet.start('v1')).rejects.toThrow(/it ended with code 4/);
  const told = await readFile(join(subnet.dir, 'v1.log'), 'utf8');
  expect(told).toMatch(/a repair that broke off.*run `eirel log repair` again/);
  expect(await eirel(['log', 'repair'])).toMatchObject({ code: EXIT.ok });
  await expect(readFile(file)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('stream and files that are both lost come back from a copy, and from nowhere else', async () => {
  const before = await readLog(subnet.nats, 'v1');
  await replaceStream([]);
  await rm(join(dataDir(), 'log'), { recursive: true });
  expect(await eirel(['log', 'repair'])).toMatchObject({ code: EXIT.mismatch });
  expect(await eirel(['log', 'repair', '--from', join(subnet.dir, 'copy')])).toMatchObject({
    code: EXIT.ok,
  });
  expect(hexOf(await readLog(subnet.nats, 'v1'))).toEqual(hexOf(before));
  expect(await eirel(['log', 'status'])).toMatchObject({ code: EXIT.ok });
});

test('a validator puts the end of its stream back by itself, and goes on', async () => {
  const before = await readLog(subnet.nats, 'v1');
  await replaceStream(before.payloads.slice(0, -2));
  await subnet.start('v1');
  const log = await grow();
  expect(hexOf(log).slice(0, before.head.size)).toEqual(hexOf(before));
});

test('a log that was given up goes on in its next generation, which names its last checkpoint', async () => {
  await stop();
  const before = await readLog(subnet.nats, 'v1');
  const { root } = JSON.parse((await eirel(['log', 'status', '--json'])).out).signed;
  expect(await eirel(['log', 'retire', '1'], 'admin')).toMatchObject({ code: EXIT.usage });
  const { code, out } = await eirel(['log', 'retire', '0', '--json'], 'admin');
  expect(code).toBe(EXIT.ok);
  const next = before.source.replace(/0$/, '1');
  const previous = { source: before.source, size: before.head.size, root };
  expect(JSON.parse(out)).toEqual({ retired: before.source, begun: next, previous });
  expect(await eirel(['log', 'retire', '0'], 'admin')).toMatchObject({ code: EXIT.ok });

  await subnet.start('v1');
  const { log } = await wholeLog(subnet, 'v1');
  expect(log.source).toBe(next);
  const [first] = log.events;
  const body = first?.event.type === 'log.started.v1' ? first.event.data.body : '{}';
  expect(JSON.parse(body)).toMatchObject({ generation: 1, previous });
  const kept = join(dataDir(), 'log-retired', '0');
  const lines = (await readFile(join(kept, 'stream.jsonl'), 'latin1')).split('\n').slice(0, -1);
  expect(lines).toHaveLength(before.head.size);
  const shown = await eirel(['log', 'show', '0', '--from', kept, '--json']);
  expect(JSON.parse(shown.out)).toMatchObject({ checkpoint: { origin: before.source } });
});

test('a log is begun once, and not where there is anything of it', async () => {
  await stop();
  for (const folder of ['log', 'log-retired', 'signing', 'projections'])
    await rm(join(dataDir(), folder), { recursive: true, force: true });
  for (const looking of ['status', 'repair'])
    expect(await eirel(['log', looking])).toMatchObject({ code: EXIT.refused });
  await expect(readdir(join(dataDir(), 'signing'))).rejects.toMatchObject({ code: 'ENOENT' });
  const lost = await eirel(['log', 'init']);
  expect(lost).toMatchObject({ code: EXIT.conflict });
  expect(lost.err).toMatch(/log\.forked.*events in the stream/);
  // The stream is that of generation 1: it is not begun a second time, and nobody knows enough of it to continue it.
  const again = await eirel(['log', 'retire', '0'], 'admin');
  expect(again).toMatchObject({ code: EXIT.conflict });
  expect(again.err).toMatch(/its events in the stream.*log retire 1/);
  const unknown = await eirel(['log', 'retire', '1'], 'admin');
  expect(unknown).toMatchObject({ code: EXIT.refused });
  expect(unknown.err).toMatch(/delete the stream, create it with `eirel streams apply`/);
  await replaceStream([]);
  expect(JSON.parse((await eirel(['log', 'init', '--json'])).out)).toMatchObject({
    result: 'begun',
  });
  expect(JSON.parse((await eirel(['log', 'init', '--json'])).out)).toMatchObject({
    result: 'begun before',
  });
  const { events } = await readLog(subnet.nats, 'v1');
  expect(events.map(({ event }) => event.type)).toEqual(['log.started.v1']);
});

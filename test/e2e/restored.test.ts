import { cp, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { EXIT } from '#src/cli/exit-codes.ts';
import type { Env } from '#src/cli/subnet/validators.ts';
import type { Checkpoint } from '#src/merkle/checkpoint.ts';
import { applyStream, streamConfig } from '#src/runtime/streams.ts';
import { stakedNeurons } from '../support/live-chain.ts';
import { wholeLog } from '../support/live-checkpoint.ts';
import { type LiveLog, readLog } from '../support/live-log.ts';
import { type LiveRun, liveRun, measure, playTo } from '../support/live-run.ts';
import { decisionOf, type LiveSubnet, liveSubnet } from '../support/live-subnet.ts';
import { PROCESS_TEST_TIMEOUT_MS } from '../support/live-until.ts';
import { eirelHere } from '../support/process-eirel.ts';

vi.setConfig({ testTimeout: PROCESS_TEST_TIMEOUT_MS, hookTimeout: PROCESS_TEST_TIMEOUT_MS });

const QUALITY = [0.8, 0.7, 0.6, 0.5, 0.4, 0.3];

let subnet: LiveSubnet;
/** The run that is under way: its report is committed to, with an anchor of the log, and nothing is decided yet. */
let run: LiveRun;
/** The log as it was when its process was stopped, all of it published. */
let log: LiveLog;
let checkpoint: Checkpoint;
/** A backup of everything, made before the run. */
let backup: Readonly<{ data: string; signing: string; store: string }>;

/** One validator is a subnet of its own here: what it lost nobody else has, and what it signed the chain knows. */
beforeAll(async () => {
  subnet = await liveSubnet({
    validators: ['v1'],
    neurons: (axons) => stakedNeurons({ v1: 400n }, axons),
    env: { EIREL_MIN_COLDKEYS: '1' },
  });
  await wholeLog(subnet, 'v1');
  await stop();
  await subnet.nats.stop();
  backup = await copyOfAll();
  await subnet.nats.restart();
  await subnet.start('v1');
  run = liveRun(1, subnet.chain.block());
  await measure(subnet, run, QUALITY);
  await playTo(subnet, run.phases.commit + 1);
  ({ log, checkpoint } = await wholeLog(subnet, 'v1'));
  await stop();
});
afterAll(() => subnet[Symbol.asyncDispose]());

async function copyOfAll(): Promise<typeof backup> {
  const dir = await mkdtemp(join(subnet.dir, 'backup-'));
  const { EIREL_DATA_DIR = '', EIREL_SIGNING_DIR = '' } = await subnet.environment('v1');
  const copy = {
    data: join(dir, 'data'),
    signing: join(dir, 'signing'),
    store: join(dir, 'store'),
  };
  await cp(EIREL_DATA_DIR, copy.data, { recursive: true });
  await cp(EIREL_SIGNING_DIR, copy.signing, { recursive: true });
  await cp(storeDir(), copy.store, { recursive: true });
  return copy;
}

function storeDir(): string {
  return join(subnet.nats.dir, 'store');
}

/** Puts another store under the nats-server; gives what puts the first one back. */
async function withStore(prepare: (dir: string) => Promise<void>): Promise<() => Promise<void>> {
  const kept = await mkdtemp(join(subnet.dir, 'kept-'));
  await subnet.nats.stop();
  await rename(storeDir(), join(kept, 'store'));
  await prepare(storeDir());
  await subnet.nats.restart();
  return async () => {
    await subnet.nats.stop();
    await rm(storeDir(), { recursive: true });
    await rename(join(kept, 'store'), storeDir());
    await subnet.nats.restart();
  };
}

async function olderStore(dir: string): Promise<void> {
  await cp(backup.store, dir, { recursive: true });
}

async function stop(): Promise<void> {
  const { pid, ended } = subnet.processOf('v1');
  process.kill(pid, 'SIGTERM');
  expect(await ended).toBe(EXIT.ok);
}

async function applyValidatorStream(): Promise<void> {
  const admin = await subnet.nats.connectAs('admin');
  await applyStream(admin, streamConfig('validator'));
  await admin.close();
}

/** A place where nothing is. */
async function nowhere(): Promise<string> {
  return join(await mkdtemp(join(subnet.dir, 'empty-')), 'gone');
}

/** What it says when it does not start: nothing was appended. It is started in this process, which is loaded already. */
async function refusal(changes: Env): Promise<{ code: number | null; err: string }> {
  const { head } = await readLog(subnet.nats, 'v1');
  const { code, out, err } = await eirelHere(
    ['validator', '--json'],
    await subnet.environment('v1', { EIREL_LOG_LEVEL: 'silent', ...changes }),
  );
  expect(out).toBe('');
  expect((await readLog(subnet.nats, 'v1')).head).toEqual(head);
  return { code, err };
}

test('a process without its signing directory refuses, however often it is started, and says what to do', async () => {
  const changes = { EIREL_SIGNING_DIR: await nowhere() };
  for (const again of ['the first time', 'with what the first time left behind']) {
    const { code, err } = await refusal(changes);
    expect(code, again).toBe(EXIT.conflict);
    expect(err).toContain(`log.forked: `);
    expect(err).toContain(`found: ${log.head.size} events in the stream`);
    expect(err).toContain('bring back EIREL_SIGNING_DIR; where it is lost, `eirel log retire`');
  }
});

test('a new machine with the hotkey of an older one begins no second log: the anchor on chain tells', async () => {
  const putBack = await withStore(async () => undefined);
  await applyValidatorStream();
  const changes = { EIREL_SIGNING_DIR: await nowhere(), EIREL_DATA_DIR: await nowhere() };
  const { code, err } = await refusal(changes);
  expect(code).toBe(EXIT.conflict);
  expect(err).toMatch(/log\.forked: .*found: an anchor on chain of [0-9]+ events/);
  await putBack();
});

test('an older copy of the signing directory alone is refused beside what was published since', async () => {
  const { code, err } = await refusal({ EIREL_SIGNING_DIR: backup.signing });
  expect(code).toBe(EXIT.conflict);
  expect(err).toMatch(/log\.forked: .*which its published files has.*this is an old copy/);
});

test('a machine that is an older copy as a whole is refused by its own anchor on chain', async () => {
  const putBack = await withStore(olderStore);
  const { code, err } = await refusal({
    EIREL_SIGNING_DIR: backup.signing,
    EIREL_DATA_DIR: backup.data,
  });
  expect(code).toBe(EXIT.conflict);
  expect(err).toMatch(/log\.forked: .*which the chain has.*this is an old copy/);
  await putBack();
});

test('where neither the stream nor the published files hold what was signed, nothing is signed again', async () => {
  const putBack = await withStore(olderStore);
  const { code, err } = await refusal({ EIREL_DATA_DIR: await nowhere() });
  expect(code).toBe(EXIT.mismatch);
  expect(err).toContain(`expected: the ${log.head.size} events that were signed`);
  expect(err).toContain('run `eirel log repair` --from a mirror');
  await putBack();
});

test('published files that are gone are made again from the stream, down to the note', async () => {
  const before = await readFile(await publishedFile('checkpoint'), 'utf8');
  const { logFile } = await subnet.start('v1', { EIREL_DATA_DIR: await nowhere() });
  expect(await readFile(logFile, 'utf8')).toContain('"decision":"publish-from-stream"');
  expect(await (await subnet.get('v1', '/log/checkpoint')).text()).toBe(before);
  await wholeLog(subnet, 'v1', [checkpoint]);
  await stop();
});

async function publishedFile(path: string): Promise<string> {
  const { EIREL_DATA_DIR = '' } = await subnet.environment('v1');
  return join(EIREL_DATA_DIR, 'log', path);
}

test.for([
  { what: 'a stream that came back from an older backup', prepare: olderStore },
  { what: 'a stream that is lost as a whole', prepare: async () => undefined },
])('$what is filled up with what was published, byte for byte', async ({ prepare }) => {
  await withStore(prepare);
  await applyValidatorStream();
  expect((await readLog(subnet.nats, 'v1')).head.size).toBeLessThan(log.head.size);
  const { logFile } = await subnet.start('v1');
  expect(await readFile(logFile, 'utf8')).toContain('"decision":"refill-stream"');
  const filled = await readLog(subnet.nats, 'v1');
  expect(filled.payloads.slice(0, log.head.size)).toEqual(log.payloads);
  await wholeLog(subnet, 'v1', [checkpoint]);
  await stop();
});

test('a log that was filled up goes on: the run that it stood in is decided and certified', async () => {
  await subnet.start('v1');
  await playTo(subnet, run.phases.certify + 1);
  expect(await decisionOf(subnet, 'v1', run.run)).toContain('"kind":"winner"');
  const { log: whole } = await wholeLog(subnet, 'v1', [checkpoint]);
  expect(whole.payloads.slice(0, log.head.size)).toEqual(log.payloads);
  const ids = whole.events.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

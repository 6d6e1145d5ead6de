import { cp, mkdtemp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { EXIT } from '#src/cli/exit-codes.ts';
import { hotkeyOf, NETUID } from '#src/cli/subnet/cast.ts';
import {
  type Env,
  environmentOf,
  type RunningProcess,
  startValidatorProcess,
  validatorEnvironment,
} from '#src/cli/subnet/validators.ts';
import { sha256 } from '#src/events/hash.ts';
import { logSource } from '#src/events/source.ts';
import { writeImport } from '#src/handlers/commands.ts';
import { parseCheckpoint } from '#src/merkle/checkpoint.ts';
import { parseNote } from '#src/merkle/signed-note.ts';
import { openExistingSigningDatabase } from '#src/runtime/signing-db.ts';
import type { Holdings } from '#src/runtime/signing-records.ts';
import { applyStream, streamConfig } from '#src/runtime/streams.ts';
import { readLogAt } from '../support/live-log.ts';
import { type LiveRun, liveRun, measuredLines } from '../support/live-run.ts';
import { type LiveSubnet, liveSubnet, statusOf } from '../support/live-subnet.ts';
import { PROCESS_TEST_TIMEOUT_MS, until } from '../support/live-until.ts';
import { type TestNatsServer, testAccount, testNatsServer } from '../support/nats-server.ts';
import { eirelHere, runEirel } from '../support/process-eirel.ts';

vi.setConfig({ testTimeout: PROCESS_TEST_TIMEOUT_MS, hookTimeout: PROCESS_TEST_TIMEOUT_MS });

const ACCOUNT = testAccount('v1', ['validator']);
const PEERS = ['v2', 'v3'] as const;
const BLOCKS_TO_KNOW_PEERS = 25;
const QUALITY = [0.8, 0.7, 0.6, 0.5, 0.4, 0.3];

/** A machine of the validator v1: its files, and the nats-server that keeps its log. Neither is shared. */
type Machine = Readonly<{ dir: string; nats: TestNatsServer; port: number }>;

let subnet: LiveSubnet;
/** The machine whose state is the newest; its process is stopped at the end of each test. */
let newest: Machine;
const cleanup = new AsyncDisposableStack();
beforeAll(async () => {
  // The peers do nothing but witness: they need not look at the chain all the time.
  const slow = { EIREL_POLL_MS: '500' };
  const envOf = { v2: slow, v3: slow };
  subnet = cleanup.use(await liveSubnet({ validators: ['v1', ...PEERS], envOf }));
  const first = subnet.processOf('v1');
  newest = { dir: subnet.dir, nats: subnet.nats, port: Number(new URL(first.url).port) };
  // A validator looks up whom it may ask once in so many blocks, and these have axons only since they run.
  await subnet.chain.produceBlock(BLOCKS_TO_KNOW_PEERS);
  await witnessed(newest, first);
  await stop(first);
});
afterAll(() => cleanup.disposeAsync());

test('a cloned machine that the original has left behind signs nothing', async () => {
  const clone = await cloneOf(newest);
  const before = await holdingsOf(clone);

  const original = await start(newest);
  const run = liveRun(1, subnet.chain.block());
  await measureAt(newest, run);
  await toBlock(run.phases.commit, [original]);
  await witnessed(newest, original);

  expect(await startRefused(clone)).toMatch(/log\.forked.*this is an old copy of the validator/);
  expect(await holdingsOf(clone)).toEqual(before);
  await stop(original);
  expect(await reportsOf(newest, run)).toHaveLength(1);
});

test('the original signs nothing once its clone has gone on', async () => {
  const clone = await cloneOf(newest);
  const before = await holdingsOf(newest);

  const running = await start(clone);
  await openAt(clone, liveRun(2, subnet.chain.block()));
  await witnessed(clone, running);
  await stop(running);

  expect(await startRefused(newest)).toMatch(/log\.forked.*this is an old copy of the validator/);
  expect(await holdingsOf(newest)).toEqual(before);
  newest = clone;
});

test('of two that go on from one state at once, no two sign a report of one run', async () => {
  const clone = await cloneOf(newest);
  const both = await Promise.all([start(newest), start({ ...clone, port: 0 })]);
  const ended = new Map<RunningProcess, number | null>();
  for (const each of both) void each.ended.then((code) => ended.set(each, code));
  const run = liveRun(3, subnet.chain.block());
  // The same facts at another time are other events: from here on there are two trees.
  for (const machine of [newest, clone]) await measureAt(machine, run);
  await until('one hears of the other', () => ended.size > 0);
  for (const [{ logFile }, code] of ended) {
    expect(code).toBe(EXIT.conflict);
    expect(await readFile(logFile, 'utf8')).toContain('log.forked');
  }

  const alive = both.filter((each) => !ended.has(each));
  await toBlock(run.phases.commit, alive);
  for (const each of alive) await stop(each);
  const reports = [...(await reportsOf(newest, run)), ...(await reportsOf(clone, run))];
  expect(reports.length).toBe(alive.length);
});

/** Another machine with a copy of everything. The process of the first must be stopped. */
async function cloneOf({ dir, nats, port }: Machine): Promise<Machine> {
  const other = await mkdtemp(join(subnet.dir, 'clone-'));
  const server = cleanup.use(await testNatsServer({ accounts: [ACCOUNT] }));
  const admin = await server.connectAs('admin');
  await applyStream(admin, streamConfig('validator'));
  await admin.close();
  const file = join(other, 'log');
  const from = await environmentOf(ACCOUNT, 'reader', { dir, natsUrl: nats.url });
  expect(await eirelHere(['export', file], from)).toMatchObject({ code: EXIT.ok });
  const to = await environmentOf(ACCOUNT, 'writer', { dir: other, natsUrl: server.url });
  expect(await eirelHere(['import', file], to)).toMatchObject({ code: EXIT.ok });
  await cp(join(dir, 'v1'), join(other, 'v1'), { recursive: true });
  return { dir: other, nats: server, port };
}

async function settingsOf({ dir, nats, port }: Machine): Promise<Env> {
  const { chain } = subnet;
  const base = await validatorEnvironment(ACCOUNT, { dir, natsUrl: nats.url, chain, port });
  return { ...base, EIREL_POLL_MS: '20', EIREL_CHECKPOINT_MS: '50' };
}

async function start(machine: Machine): Promise<RunningProcess> {
  return cleanup.use(await startValidatorProcess('v1', await settingsOf(machine), machine.dir));
}

/** What it says when it does not start. */
async function startRefused(machine: Machine): Promise<string> {
  const { code, out, err } = await runEirel(['validator', '--json'], await settingsOf(machine));
  expect({ code, out }, err).toEqual({ code: EXIT.conflict, out: '' });
  return err;
}

async function stop({ pid, ended }: RunningProcess): Promise<void> {
  process.kill(pid, 'SIGTERM');
  expect(await ended).toBe(EXIT.ok);
}

/** Opens a run there; the peers take no part. */
async function openAt({ nats }: Machine, run: LiveRun): Promise<void> {
  const nc = await nats.connectAs('operator', 'v1');
  const reply = await nc.request('cmd.validator.runs.open', JSON.stringify(run), {
    timeout: PROCESS_TEST_TIMEOUT_MS,
  });
  await nc.close();
  expect(reply.json()).toMatchObject({ ok: true });
}

/** Opens a run there, gives it what it measured, and closes it. */
async function measureAt(machine: Machine, run: LiveRun): Promise<void> {
  await openAt(machine, run);
  const nc = await machine.nats.connectAs('operator', 'v1');
  for (const [command, payload] of [
    ['scores.import', writeImport(1, measuredLines(run, machine.dir, QUALITY))],
    ['runs.close', JSON.stringify({ family: run.family, run: run.run })],
  ] as const)
    await nc.request(`cmd.validator.${command}`, payload, { timeout: PROCESS_TEST_TIMEOUT_MS });
  await nc.close();
}

/** Block by block, each settled by these processes. */
async function toBlock(last: number, processes: readonly RunningProcess[]): Promise<void> {
  while (subnet.chain.block() < last) {
    await subnet.chain.nextBlock();
    const block = subnet.chain.block();
    for (const { url } of processes)
      await until(`block ${block} is settled`, async () => {
        return ((await statusOf(url))?.settledBlock ?? 0) >= block;
      });
  }
}

/** Waits until both peers have cosigned everything that is in the log. */
async function witnessed({ nats }: Machine, { url }: RunningProcess): Promise<void> {
  const { head } = await readLogAt(nats.url, ACCOUNT);
  const genesis = subnet.chain.genesisHash;
  const source = logSource({ genesis, netuid: NETUID, hotkey: hotkeyOf('v1'), generation: 0 });
  for (const peer of PEERS)
    await until(`${peer} has cosigned ${head.size} events of ${url}`, async () => {
      const answer = await subnet.get(peer, `/witness/${sha256(source)}/checkpoint`);
      if (!answer.ok) return false;
      const note = parseNote(new Uint8Array(await answer.arrayBuffer()));
      return parseCheckpoint(note.text).size >= head.size;
    });
}

/** What was signed on a machine whose process is stopped. */
async function holdingsOf({ dir }: Machine): Promise<Holdings> {
  const genesis = subnet.chain.genesisHash;
  const identity = { genesis, netuid: NETUID, hotkey: hotkeyOf('v1') };
  await using database = await openExistingSigningDatabase(join(dir, 'v1', 'signing'), identity);
  return await database.records.read();
}

async function reportsOf(machine: Machine, { run }: LiveRun) {
  const { signed } = await holdingsOf(machine);
  return signed.filter((each) => each.kind === 'report' && each.run === run);
}

import { cp, mkdtemp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { EXIT } from '#src/cli/exit-codes.ts';
import type { RunningProcess } from '#src/cli/subnet/validators.ts';
import { stakedNeurons } from '../support/live-chain.ts';
import { readLog } from '../support/live-log.ts';
import { liveRun, measure, playTo } from '../support/live-run.ts';
import { decisionOf, type LiveSubnet, liveSubnet } from '../support/live-subnet.ts';
import { PROCESS_TEST_TIMEOUT_MS, until } from '../support/live-until.ts';
import { runEirel } from '../support/process-eirel.ts';

vi.setConfig({ testTimeout: PROCESS_TEST_TIMEOUT_MS, hookTimeout: PROCESS_TEST_TIMEOUT_MS });

const QUALITY = [0.8, 0.7, 0.6, 0.5, 0.4, 0.3];

let subnet: LiveSubnet;
/** One validator is a subnet of its own here: what matters is who writes its log. */
beforeAll(async () => {
  subnet = await liveSubnet({
    validators: ['v1'],
    neurons: (axons) => stakedNeurons({ v1: 400n }, axons),
    env: { EIREL_MIN_COLDKEYS: '1' },
  });
});
afterAll(() => subnet[Symbol.asyncDispose]());

/** The same identity on another machine: other files, another port. */
async function elsewhere() {
  const dir = await mkdtemp(join(subnet.dir, 'other-'));
  return {
    EIREL_DATA_DIR: join(dir, 'data'),
    EIREL_SIGNING_DIR: join(dir, 'signing'),
    EIREL_HTTP_PORT: '0',
  };
}

/** Where the process that lives keeps what it signed, once another than the first does. */
let signingDir: string | undefined;

/** Starts it there with a copy of what was signed: a machine that was cloned. Nobody may be writing meanwhile. */
async function startClone(): Promise<RunningProcess> {
  const { EIREL_SIGNING_DIR: first = '' } = await subnet.environment('v1');
  const there = await elsewhere();
  await cp(signingDir ?? first, there.EIREL_SIGNING_DIR, { recursive: true });
  const clone = await subnet.start('v1', there);
  signingDir = there.EIREL_SIGNING_DIR;
  return clone;
}

test('a second process with the identity of a living one stops and appends nothing', async () => {
  const run = liveRun(1, subnet.chain.block());
  await measure(subnet, run, QUALITY);
  const { head } = await readLog(subnet.nats, 'v1');
  for (const { changes, says } of [
    {
      changes: {},
      says: /log\.conflict: file: \S*signing\.db, found: another process has it open/,
    },
    {
      changes: await elsewhere(),
      says: /log\.conflict: found: the process .*stop it before this one starts; nothing was appended/,
    },
  ]) {
    const second = await runEirel(['validator', '--json'], await subnet.environment('v1', changes));
    expect(second.code, second.err).toBe(EXIT.conflict);
    expect(second.out).toBe('');
    expect(second.err).toMatch(says);
  }
  expect((await readLog(subnet.nats, 'v1')).head).toEqual(head);
  await playTo(subnet, run.phases.certify + 1);
  expect(await decisionOf(subnet, 'v1', run.run)).toBeDefined();
});

test('of two processes that start at once with one identity, one lives', async () => {
  const before = subnet.processOf('v1');
  process.kill(before.pid, 'SIGTERM');
  expect(await before.ended).toBe(EXIT.ok);
  const { head } = await readLog(subnet.nats, 'v1');
  const starts = await Promise.allSettled([startClone(), startClone()]);
  expect((await readLog(subnet.nats, 'v1')).head).toEqual(head);
  for (const start of starts) {
    if (start.status === 'fulfilled') continue;
    const found = `it ended with code ${EXIT.conflict}`;
    expect(start.reason).toMatchObject({ details: { found } });
  }
  // On a busy machine one may not hear the other in time. Then the log's fence decides, at the next append.
  const living = subnet.processOf('v1');
  const other = starts.find((start) => start.status === 'fulfilled' && start.value !== living);
  if (other?.status === 'fulfilled') process.kill(other.value.pid, 'SIGSTOP');
  const run = liveRun(2, subnet.chain.block());
  await subnet.command('v1', 'runs.open', JSON.stringify(run));
  if (other?.status === 'fulfilled') {
    process.kill(other.value.pid, 'SIGCONT');
    await assertEndedByTheOther(other.value);
  }
  expect((await readLog(subnet.nats, 'v1')).head.size).toBe(head.size + 1);
  await playTo(subnet, run.phases.certify + 1);
});

test('a process that was frozen while another took over stops at its next append, before it is stored', async () => {
  const frozen = subnet.processOf('v1');
  process.kill(frozen.pid, 'SIGSTOP');
  await startClone();
  const run = liveRun(3, subnet.chain.block());
  await measure(subnet, run, QUALITY);
  const { head } = await readLog(subnet.nats, 'v1');

  process.kill(frozen.pid, 'SIGCONT');
  await playTo(subnet, run.phases.certify + 1);
  await assertEndedByTheOther(frozen);
  const log = await readLog(subnet.nats, 'v1');
  expect(log.head.size).toBeGreaterThan(head.size);
  const ids = log.events.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(await decisionOf(subnet, 'v1', run.run)).toContain('"kind":"winner"');
});

test('a command that runs into the other writer ends the process as well, without a block', async () => {
  const frozen = subnet.processOf('v1');
  process.kill(frozen.pid, 'SIGSTOP');
  const second = await startClone();
  await measure(subnet, liveRun(4, subnet.chain.block()), QUALITY);
  const { head } = await readLog(subnet.nats, 'v1');

  // The first is alone when the command comes, which it would otherwise race for with the second.
  process.kill(second.pid, 'SIGSTOP');
  process.kill(frozen.pid, 'SIGCONT');
  const operator = await subnet.nats.connectAs('operator');
  operator.publish('cmd.validator.runs.open', JSON.stringify(liveRun(5, subnet.chain.block())));
  await operator.flush();
  await operator.close();
  await assertEndedByTheOther(frozen);
  expect((await readLog(subnet.nats, 'v1')).head).toEqual(head);
  process.kill(second.pid, 'SIGCONT');
});

async function assertEndedByTheOther({ ended, logFile }: RunningProcess): Promise<void> {
  let exit: Readonly<{ code: number | null }> | undefined;
  void ended.then((code) => {
    exit = { code };
  });
  expect(await until('the process ends', () => exit)).toEqual({ code: EXIT.conflict });
  expect(await readFile(logFile, 'utf8')).toContain('another process writes this log');
}

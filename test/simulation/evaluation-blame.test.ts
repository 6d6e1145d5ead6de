import { expect, test } from 'vitest';
import { MAX_EXCUSED_ATTEMPTS, MAX_UNREACHABLE } from '#src/evaluation/failure-limits.ts';
import { auditEvaluation } from '../support/audited-evaluation.ts';
import { hotkey } from '../support/recorded-events.ts';
import { simulatedTasks, simulateEvaluation } from '../support/simulated-evaluation.ts';
import type { Fault } from '../support/simulated-services.ts';

const MINUTE_MS = 60_000;

/** It takes a second; the rest is for two cores that do other things as well. */
const TIMEOUT_MS = 60_000;

const TASKS = simulatedTasks(12);

test('while nobody knows how the runtimes stand nobody is asked, and no miner pays for it', {
  timeout: TIMEOUT_MS,
}, async () => {
  const faults: readonly Fault[] = [{ what: 'cluster', from: MINUTE_MS, to: 20 * MINUTE_MS }];
  const miners = { A: 'honest' as const, B: 'honest' as const };
  const plan = { seed: 'cluster', miners, tasks: TASKS, faults, leases: false, mortality: 0 };
  await using play = await simulateEvaluation(plan);
  await play.live(2 * MINUTE_MS);
  const jobs = play.jobs.size;
  await play.live(10 * MINUTE_MS);
  expect(play.holdup()).toContain('no answer');
  expect(play.jobs.size).toBe(jobs);
  await play.live(40 * MINUTE_MS);
  expect(play.holdup()).toBeNull();
  const statuses = play.log.data('score.recorded.v1').map(({ status }) => status);
  expect(statuses).toEqual(TASKS.flatMap(() => ['scored', 'scored']));
});

test.for([
  { title: 'while this validator goes on', restart: false },
  { title: 'after a restart', restart: true },
])(
  'runtimes of a run whose roster is not here are renewed $title, and nothing of it is begun',
  {
    timeout: TIMEOUT_MS,
  },
  async ({ restart }) => {
    const faults: readonly Fault[] = [{ what: 'roster', from: 2 * MINUTE_MS, to: 12 * MINUTE_MS }];
    const miners = { A: 'honest' as const };
    const plan = { seed: 'roster', miners, tasks: TASKS, faults, leases: false, mortality: 0 };
    await using play = await simulateEvaluation(plan);
    await play.live(3 * MINUTE_MS);
    if (restart) play.restart();
    const jobs = play.jobs.size;
    await play.live(8 * MINUTE_MS);
    expect(play.holdup()).toContain('the roster is not here');
    expect(play.jobs.size).toBe(jobs);
    await play.live(20 * MINUTE_MS);
    expect(play.log.data('runtime.failed.v1')).toEqual([]);
    expect(play.log.data('runtime.ended.v1')).toHaveLength(1);
    expect(play.log.data('runtime.ready.v1')).toMatchObject([{ attempt: 1 }]);
    expect(play.log.data('score.recorded.v1')).toHaveLength(TASKS.length);
  },
);

test('a service that dies just before a miner fails by it is looked at again before the miner is blamed', {
  timeout: TIMEOUT_MS,
}, async () => {
  const faults = Array.from({ length: 60 }, (_, index): Fault => {
    const from = index * 15_000 + 8; // a moment after the looks that found it well
    return { what: 'proxy', from, to: from + 2_000 };
  });
  const miners = { A: 'honest' as const };
  const plan = { seed: 'proxy', miners, tasks: TASKS, faults, leases: false, mortality: 0 };
  await using play = await simulateEvaluation(plan);
  await play.live(14 * MINUTE_MS);
  expect(play.jobs.size).toBeGreaterThan(10);
  await play.live(30 * MINUTE_MS);
  const statuses = play.log.data('score.recorded.v1').map(({ status }) => status);
  expect(statuses).toEqual(TASKS.map(() => 'scored'));
});

test('an answer that ends with its node is asked for again on the next one', {
  timeout: TIMEOUT_MS,
}, async () => {
  const faults = [40, 130, 220].map((second): Fault => {
    const from = second * 1_000;
    return { what: 'node', from, to: from + 1_000 };
  });
  const miners = { A: 'honest' as const, B: 'honest' as const };
  const plan = { seed: 'node', miners, tasks: TASKS, faults, leases: false, mortality: 0 };
  await using play = await simulateEvaluation(plan);
  await play.live(40 * MINUTE_MS);
  expect(play.log.data('runtime.failed.v1').length).toBeGreaterThan(2);
  const invoked = play.log.data('task.invoked.v1');
  expect(invoked.map(({ outcome }) => outcome)).toEqual(
    TASKS.flatMap(() => ['completed', 'completed']),
  );
  expect(invoked.some(({ attempt }) => attempt > 1)).toBe(true);
  expect(auditEvaluation(play.log.events, hotkey('V'))).toEqual([]);
});

test.for([
  { title: 'while this validator goes on', restarts: false },
  { title: 'however often this validator restarts', restarts: true },
])(
  'an answer that fails whenever its runtime is away is excused a few times, $title',
  {
    timeout: TIMEOUT_MS,
  },
  async ({ restarts }) => {
    const miners = { A: 'fading' as const };
    const tasks = TASKS.slice(0, 3);
    const plan = { seed: 'fading', miners, tasks, faults: [], leases: false, mortality: 0 };
    await using play = await simulateEvaluation(plan);
    for (let minute = 0; minute < 25; minute++) {
      await play.live(MINUTE_MS);
      if (restarts) play.restart();
    }
    const excuses = play.log.data('invocation.excused.v1').map(({ task }) => task);
    expect(excuses.toSorted()).toEqual(
      tasks.flatMap(({ task_id: id }) => Array.from({ length: MAX_EXCUSED_ATTEMPTS }, () => id)),
    );
    const scores = play.log.data('score.recorded.v1').map(({ status }) => status);
    expect(scores).toEqual(['failed', 'failed', 'failed']);
    expect(auditEvaluation(play.log.events, hotkey('V'))).toEqual([]);
  },
);

test('a miner that answers and leaves calls of models under way gains nothing by the end of its run', {
  timeout: TIMEOUT_MS,
}, async () => {
  const miners = { A: 'hasty' as const, B: 'honest' as const };
  const plan = { seed: 'hasty', miners, tasks: TASKS, faults: [], leases: false, mortality: 0 };
  await using play = await simulateEvaluation(plan);
  await play.live(4 * MINUTE_MS);
  const of = (letter: string) => (fact: Readonly<{ miner: string }>) =>
    fact.miner === hotkey(letter);
  const answered = play.log.data('task.invoked.v1').filter(of('A'));
  await play.close();
  const scores = play.log.data('score.recorded.v1').filter(of('A'));
  const ends = answered.map(({ task }) => scores.find((score) => score.task === task)?.status);
  const left = play.log.data('evidence.gathered.v1').filter(({ cost }) => cost.state === 'left');
  expect(left.length).toBeGreaterThan(1);
  expect(new Set(left.map(({ miner }) => miner))).toEqual(new Set([hotkey('A')]));
  expect(ends.filter((status) => status === 'failed')).toHaveLength(left.length);
  expect(new Set(ends)).toEqual(new Set(['scored', 'failed']));
  const honest = play.log.data('score.recorded.v1').filter(of('B'));
  expect(honest.length).toBeGreaterThan(0);
  expect(honest.map(({ status }) => status)).not.toContain('failed');
  expect(auditEvaluation(play.log.events, hotkey('V'))).toEqual([]);
});

test('while the ledger does not tell at the end of a run what was left, nobody is blamed', {
  timeout: TIMEOUT_MS,
}, async () => {
  const faults: readonly Fault[] = [{ what: 'ledger', from: 230_000, to: 10 * MINUTE_MS }];
  const miners = { A: 'hasty' as const };
  const plan = { seed: 'untold', miners, tasks: TASKS, faults, leases: false, mortality: 0 };
  await using play = await simulateEvaluation(plan);
  await play.live(4 * MINUTE_MS);
  const scored = play.log.data('score.recorded.v1').length;
  expect(play.log.data('task.invoked.v1').length).toBeGreaterThan(scored);
  await play.close();
  const ended = play.log.data('score.recorded.v1').slice(scored);
  expect(new Set(ended.map(({ status }) => status))).toEqual(new Set(['excused']));
});

test('what a miner failed by before its run was closed is its failure, whoever had yet to say so', {
  timeout: TIMEOUT_MS,
}, async () => {
  const miners = { A: 'broken' as const, B: 'silent' as const, C: 'honest' as const };
  const plan = { seed: 'ended', miners, tasks: TASKS, faults: [], leases: false, mortality: 0 };
  await using play = await simulateEvaluation(plan);
  while (play.log.data('task.invoked.v1').filter(isSilent).length < MAX_UNREACHABLE)
    await play.live(1_000);
  await play.close();
  const failed = play.log.data('score.recorded.v1').filter(({ status }) => status === 'failed');
  expect(failed.filter(({ miner }) => miner === hotkey('B'))).toHaveLength(1);
  expect(failed.filter(({ miner }) => miner === hotkey('A'))).toHaveLength(
    play.log.data('task.claimed.v1').length,
  );
  expect(auditEvaluation(play.log.events, hotkey('V'))).toEqual([]);
});

const isSilent = ({ miner, task }: Readonly<{ miner: string; task: string }>): boolean =>
  miner === hotkey('B') && task === 't-0';

test('a program that ends for want of our proxy is not lost by it', {
  timeout: TIMEOUT_MS,
}, async () => {
  const faults: readonly Fault[] = [{ what: 'proxy', from: MINUTE_MS, to: 15 * MINUTE_MS }];
  const miners = { A: 'needy' as const, B: 'honest' as const };
  const plan = { seed: 'needy', miners, tasks: TASKS, faults, leases: false, mortality: 0 };
  await using play = await simulateEvaluation(plan);
  await play.live(50 * MINUTE_MS);
  const failed = play.log.data('runtime.failed.v1');
  expect(failed.length).toBeGreaterThan(3);
  expect(new Set(failed.map(({ ours }) => ours))).toEqual(new Set([true]));
  const statuses = play.log.data('score.recorded.v1').map(({ status }) => status);
  expect(statuses).toEqual(TASKS.flatMap(() => ['scored', 'scored']));
});

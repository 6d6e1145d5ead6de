import { describe, expect, test } from 'vitest';
import { MAX_REFUSALS } from '#src/evaluation/failure-limits.ts';
import { sampleTasks } from '#src/evaluation/sample.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { auditEvaluation } from '../support/audited-evaluation.ts';
import { prng } from '../support/prng.ts';
import { digest, hotkey } from '../support/recorded-events.ts';
import { simulatedTasks, simulateEvaluation } from '../support/simulated-evaluation.ts';
import type { Fault } from '../support/simulated-services.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** It takes some seconds; the rest is for two cores that do other things as well. */
const TIMEOUT_MS = 120_000;

const MINERS = {
  A: 'honest',
  B: 'wrong',
  C: 'hanging',
  D: 'broken',
  E: 'forger',
  F: 'flaky',
} as const;
const [HONEST, WRONG, HANGING, BROKEN, FORGER, FLAKY] = Object.keys(MINERS).map(hotkey);

/** Something of ours is away about a third of the time, for up to five minutes. */
function faultsOf(seed: string): readonly Fault[] {
  const random = prng(`faults ${seed}`);
  const kinds = [
    'ledger',
    'slow-ledger',
    'proxy',
    'judge',
    'oracles',
    'owner',
    'cluster',
    'node',
  ] as const;
  return kinds.flatMap((what) =>
    Array.from({ length: 4 }, () => {
      const from = Math.floor(random() * HOUR_MS);
      const longest = what === 'node' ? 10_000 : 5 * MINUTE_MS;
      return { what, from, to: Math.min(HOUR_MS, from + 5_000 + Math.floor(random() * longest)) };
    }),
  );
}

const TASKS = simulatedTasks(12);

describe('an hour in which everything fails at some time', () => {
  test.for([
    { seed: 'one', leases: false },
    { seed: 'two', leases: true },
  ])(
    'seed $seed: every pair has one score, made of evidence that was there, and no miner pays for us',
    { timeout: TIMEOUT_MS },
    async ({ seed, leases }) => {
      const faults = faultsOf(seed);
      const plan = { seed, miners: MINERS, tasks: TASKS, faults, leases, mortality: 0.006 };
      await using play = await simulateEvaluation(plan);
      await play.live(HOUR_MS);
      play.survive();
      await play.live(40 * MINUTE_MS);

      const scores = play.log.data('score.recorded.v1');
      const pairs = scores.map(({ task, miner }) => `${task}/${miner}`);
      expect(new Set(pairs).size).toBe(pairs.length);
      expect(pairs).toHaveLength(TASKS.length * Object.keys(MINERS).length);
      expect(play.crashes()).toBeGreaterThan(5);
      expectEvidenceBehindScores(play);
      expectOneEvaluationOfEach(play);
      expect(auditEvaluation(play.log.events, hotkey('V'))).toEqual([]);

      const of = (miner: string | undefined) =>
        scores
          .filter((score) => score.miner === miner)
          .map(({ status, score }) => ({ status, score }));
      for (const { status, score } of [...of(HONEST), ...of(FLAKY)]) {
        expect(status).toBe('scored');
        expect(score).toBe(1_000_000_000);
      }
      for (const each of of(WRONG)) expect(each).toEqual({ status: 'scored', score: 0 });
      for (const each of [...of(HANGING), ...of(BROKEN)])
        expect(each).toEqual({ status: 'failed', score: 0 });
      // Half of the tasks need a tool, which the forger only claims to have used.
      expect(of(FORGER).filter(({ score }) => score === 0)).toHaveLength(TASKS.length / 2);

      expect([...play.jobs.values()].filter(({ open }) => open)).toEqual([]);
      expect(play.waiting()).toBe(0);
      if (leases) {
        expect(play.results.size).toBe(TASKS.length);
        for (const bodies of play.results.values()) expect(bodies).toHaveLength(1);
      }
    },
  );

  test('a run that is closed while the judge is away excuses what was begun, and scores nothing later', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const faults: readonly Fault[] = [{ what: 'judge', from: 0, to: 10 * MINUTE_MS }];
    const plan = {
      seed: 'closed',
      miners: { A: 'honest' as const, B: 'hanging' as const },
      tasks: TASKS,
      faults,
      leases: false,
      mortality: 0,
    };
    await using play = await simulateEvaluation(plan);
    await play.live(5 * MINUTE_MS);
    expect(play.log.data('task.invoked.v1').length).toBeGreaterThan(2);
    await play.close();
    const scores = play.log.data('score.recorded.v1');
    const claimed = play.log.data('task.claimed.v1').length;
    expect(scores).toHaveLength(2 * claimed);
    const statuses = (miner: string | undefined) =>
      new Set(scores.filter((score) => score.miner === miner).map(({ status }) => status));
    expect(statuses(HONEST)).toEqual(new Set(['excused']));
    expect(statuses(WRONG)).toEqual(new Set(['excused', 'failed']));
    const excuses = scores.filter(({ status }) => status === 'excused');
    expect(play.excused).toHaveLength(excuses.length);
    expect(new Set(play.excused)).toEqual(new Set(['judge', 'time']));
    await play.live(20 * MINUTE_MS);
    expect(play.log.data('score.recorded.v1')).toEqual(scores);
    expect(play.log.data('runtime.ended.v1')).toHaveLength(2);
  });
});

describe('an answer on which the judge says nothing of use', () => {
  const plan = {
    seed: 'injection',
    miners: { A: 'honest' as const, B: 'injector' as const },
    tasks: TASKS,
    leases: false,
    mortality: 0,
  };

  test('is the failure of its miner, where the judge judges an answer of ours to the same question', {
    timeout: TIMEOUT_MS,
  }, async () => {
    await using play = await simulateEvaluation({ ...plan, faults: [] });
    await play.live(40 * MINUTE_MS);
    const scores = play.log.data('score.recorded.v1');
    expect(scores.map(({ miner, status }) => `${miner} ${status}`).toSorted()).toEqual(
      TASKS.flatMap(() => [`${HONEST} scored`, `${WRONG} failed`]).toSorted(),
    );
    const refused = play.log.data('verdict.refused.v1');
    expect(refused).toHaveLength(TASKS.length * MAX_REFUSALS);
    expect(new Set(refused.map(({ miner, detail }) => `${miner} ${detail}`))).toEqual(
      new Set([`${WRONG} eval: no JSON`]),
    );
  });

  test('counts against nobody while the judge judges nothing at all', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const faults: readonly Fault[] = [{ what: 'judge', from: 0, to: HOUR_MS }];
    await using play = await simulateEvaluation({ ...plan, faults });
    await play.live(30 * MINUTE_MS);
    await play.close();
    expect(play.log.data('verdict.refused.v1')).toEqual([]);
    const statuses = play.log.data('score.recorded.v1').map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set(['excused']));
  });
});

test('a miner that ends for good after it answered is judged by its answer; what it never answered is its failure', {
  timeout: TIMEOUT_MS,
}, async () => {
  const faults: readonly Fault[] = [{ what: 'judge', from: 0, to: 20 * MINUTE_MS }];
  const miners = { A: 'leaving' as const, B: 'honest' as const };
  const plan = { seed: 'leaving', miners, tasks: TASKS, faults, leases: false, mortality: 0 };
  await using play = await simulateEvaluation(plan);
  await play.live(HOUR_MS);
  const of = (letter: string) => (fact: Readonly<{ miner: string }>) =>
    fact.miner === hotkey(letter);
  const answered = play.log
    .data('task.invoked.v1')
    .filter(of('A'))
    .map(({ task }) => task);
  const scores = play.log.data('score.recorded.v1').filter(of('A'));
  expect(answered.length).toBeGreaterThan(0);
  expect(answered.length).toBeLessThan(TASKS.length);
  for (const { task, status } of scores)
    expect(status, task).toBe(answered.includes(task) ? 'scored' : 'failed');
  expect(scores).toHaveLength(TASKS.length);
  expect(auditEvaluation(play.log.events, hotkey('V'))).toEqual([]);
});

test('while a disk is nearly full nothing is begun, and everything once there is room', {
  timeout: TIMEOUT_MS,
}, async () => {
  const faults: readonly Fault[] = [{ what: 'disk', from: 0, to: 10 * MINUTE_MS }];
  const miners = { A: 'honest' as const };
  const plan = { seed: 'disk', miners, tasks: TASKS, faults, leases: false, mortality: 0 };
  await using play = await simulateEvaluation(plan);
  await play.live(9 * MINUTE_MS);
  expect(play.log.data('task.claimed.v1')).toEqual([]);
  expect(play.jobs.size).toBe(0);
  await play.live(20 * MINUTE_MS);
  expect(play.log.data('score.recorded.v1')).toHaveLength(TASKS.length);
});

describe('a pair over which something of ours throws', () => {
  test('waits by itself, again and again, while the others go on, and is excused in the end', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const plan = {
      seed: 'poison',
      miners: { A: 'honest' as const, B: 'poison' as const },
      tasks: TASKS,
      faults: [],
      leases: false,
      mortality: 0,
    };
    await using play = await simulateEvaluation(plan);
    await play.live(20 * MINUTE_MS);
    const scored = play.log.data('score.recorded.v1');
    expect(scored.map(({ miner, status }) => ({ miner, status }))).toEqual(
      TASKS.map(() => ({ miner: HONEST, status: 'scored' })),
    );
    expect(play.waiting()).toBeGreaterThan(0);
    expect(play.defects()).toBeGreaterThan(0);
    // Twice as long each time, up to a minute: not once a round.
    expect(play.jobs.size).toBeLessThan(TASKS.length * 40);
    await play.close();
    const excused = play.log.data('score.recorded.v1').slice(scored.length);
    expect(new Set(excused.map(({ miner, status }) => `${miner} ${status}`))).toEqual(
      new Set([`${WRONG} excused`]),
    );
    expect(await play.reasons(excused[0]?.evidence)).toContainEqual(
      expect.objectContaining({ miner: WRONG, reason: 'a defect of ours: TypeError' }),
    );
  });
});

describe('a validator without oracles', () => {
  test.for([{ leases: false }, { leases: true }])(
    'judges nobody by the answers that an owner expects of the oracles, and says so (leases: $leases)',
    { timeout: TIMEOUT_MS },
    async ({ leases }) => {
      const plan = {
        seed: 'no oracles',
        miners: { A: 'honest' as const, B: 'wrong' as const },
        tasks: TASKS.map((task) => ({
          ...task,
          expected_output: { ...task.expected_output, answer: task.prompt },
        })),
        faults: [],
        oracles: false,
        leases,
        mortality: 0,
      };
      const ofOracles = TASKS.filter(({ oracle_source: source }) => source === 'three_oracle');
      await using play = await simulateEvaluation(plan);
      await play.live(20 * MINUTE_MS);
      expect(play.noOracle()).toBe(ofOracles.length);
      expect(play.log.data('score.recorded.v1')).toHaveLength(
        2 * (TASKS.length - ofOracles.length),
      );
      await play.close();
      for (const { task_id: id } of ofOracles) {
        const asked = play.log.data('task.invoked.v1').filter(({ task }) => task === id);
        const scores = play.log.data('score.recorded.v1').filter(({ task }) => task === id);
        expect(asked).toEqual([]);
        expect(scores.map(({ status, score }) => ({ status, score }))).toEqual([
          { status: 'excused', score: null },
          { status: 'excused', score: null },
        ]);
        expect(await play.reasons(scores[0]?.evidence)).toContainEqual(
          expect.objectContaining({ task: id, reason: 'no-oracle' }),
        );
        if (leases) expect(play.results.get(id)).toMatchObject([{ miner_results: [] }]);
      }
    },
  );
});

describe('a run with a sample', () => {
  test('waits for the block that chooses it, and is measured by its tasks alone', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const plan = {
      seed: 'sample',
      miners: { A: 'honest' as const },
      tasks: TASKS,
      sample: 3,
      faults: [],
      leases: false,
      mortality: 0,
    };
    await using play = await simulateEvaluation(plan);
    await play.live(5 * MINUTE_MS);
    expect(play.log.data('task.claimed.v1')).toEqual([]);
    const blockHash = digest('e');
    await play.log.record([snapshotAt(blockHash)]);
    await play.live(10 * MINUTE_MS);
    await play.close();
    const all = TASKS.map(({ task_id: id }) => id);
    const scores = play.log.data('score.recorded.v1');
    expect(scores.map(({ task }) => task).toSorted()).toEqual(
      sampleTasks(all, { count: 3, blockHash }),
    );
  });
});

test('a search without the documents holds up every task and ends no miner', async () => {
  const faults = [
    { what: 'search', from: 0, to: 5 * MINUTE_MS },
    { what: 'search', from: 7 * MINUTE_MS, to: 12 * MINUTE_MS },
  ] as const;
  const miners = { A: 'honest', B: 'wrong' } as const;
  const plan = { seed: 'search', miners, tasks: TASKS, faults, leases: false, mortality: 0 };
  await using play = await simulateEvaluation(plan);
  await play.live(4 * MINUTE_MS);
  expect(play.log.data('runtime.ready.v1')).toHaveLength(2);
  expect(play.log.data('task.claimed.v1')).toEqual([]);
  await play.live(8 * MINUTE_MS);
  expect(play.log.data('runtime.ended.v1')).toEqual([]);
  await play.live(22 * MINUTE_MS);
  expect(play.log.data('score.recorded.v1')).toHaveLength(TASKS.length * 2);
  expect(play.log.data('runtime.ready.v1')).toHaveLength(2);
});

test('a cluster with room for two has every miner scored: who has all its results makes room', async () => {
  const miners = { A: 'honest', B: 'honest', C: 'honest', D: 'honest', E: 'wrong' } as const;
  const tasks = TASKS.slice(0, 3);
  const plan = { seed: 'room', miners, tasks, faults: [], leases: false, mortality: 0, room: 2 };
  await using play = await simulateEvaluation(plan);

  await play.live(30 * MINUTE_MS);

  const scores = play.log.data('score.recorded.v1');
  expect(scores.map(({ status }) => status)).toEqual(
    Array.from({ length: tasks.length * 5 }, () => 'scored'),
  );
  expect(play.crowded).toEqual([{ run: 'run-7', members: 5, room: 2 }]);
  const begun = play.log.data('runtime.ready.v1').map(({ miner }) => miner);
  expect(begun.toSorted()).toEqual(play.miners);
  expect(play.log.data('runtime.ended.v1')).toHaveLength(5);
});

test('with leased tasks a miner that has nothing to do makes room, and every task is submitted whole', async () => {
  const miners = { A: 'honest', B: 'honest', C: 'honest', D: 'honest', E: 'wrong' } as const;
  const tasks = TASKS.slice(0, 6);
  const plan = { seed: 'turns', miners, tasks, faults: [], leases: true, mortality: 0, room: 2 };
  await using play = await simulateEvaluation(plan);

  await play.live(HOUR_MS);

  const scores = play.log.data('score.recorded.v1');
  expect(scores.map(({ status }) => status)).toEqual(
    Array.from({ length: tasks.length * 5 }, () => 'scored'),
  );
  for (const { task_id: id } of tasks) expect(play.results.get(id)).toHaveLength(1);
  const ended = play.log.data('runtime.ended.v1').map(({ miner }) => miner);
  expect(new Set(ended)).toEqual(new Set(play.miners));
});

test('a miner whose tasks were all it could have for now is ended after a while, and begun again for more', async () => {
  const faults = [{ what: 'owner', from: 90_000, to: 15 * MINUTE_MS }] as const;
  const miners = { A: 'honest', B: 'honest' } as const;
  const tasks = TASKS.slice(0, 6);
  const plan = { seed: 'idle', miners, tasks, faults, leases: true, mortality: 0 };
  await using play = await simulateEvaluation(plan);
  const endedOf = () => play.log.data('runtime.ended.v1').map(({ miner }) => miner);

  await play.live(4 * MINUTE_MS);
  expect(play.log.data('score.recorded.v1').length).toBeLessThan(tasks.length * 2);
  expect(endedOf()).toEqual([]);
  await play.live(10 * MINUTE_MS);
  expect(endedOf().toSorted()).toEqual(play.miners);
  expect(play.progress()).toMatchObject([
    { waitsFor: [{ what: 'leases', detail: '2 of 2 miners' }] },
  ]);
  await play.live(15 * MINUTE_MS);

  expect(play.log.data('score.recorded.v1')).toHaveLength(tasks.length * 2);
});

test('whose turn comes first where room is short is another one’s in each roster', async () => {
  const miners = { A: 'honest', B: 'honest', C: 'honest', D: 'honest' } as const;
  const firstBy = async (roster: string): Promise<string | undefined> => {
    const plan = { seed: 'turn', miners, tasks: TASKS, faults: [], leases: false, mortality: 0 };
    await using play = await simulateEvaluation({ ...plan, room: 1, roster });
    await play.live(MINUTE_MS);
    return play.log.data('runtime.ready.v1')[0]?.miner;
  };

  const first = await Promise.all(
    '0123456789abcdef'.split('').map((each) => firstBy(digest(each))),
  );

  expect(new Set(first).size).toBeGreaterThan(2);
});

function snapshotAt(blockHash: string): DomainEvent {
  const snapshot = { block: 1, blockHash, rowCount: 10, voters: [], miners: [], incumbent: null };
  const data = { family: 'general_chat', run: 'run-7', phase: 'open', snapshot } as const;
  return { type: 'snapshot.taken.v1', data };
}

type Play = Awaited<ReturnType<typeof simulateEvaluation>>;

/** A score of an answer rests on the ledger's final word about the jobs of just that answer, and on its verdict. */
function expectEvidenceBehindScores({ log, jobs }: Play): void {
  const invoked = log.data('task.invoked.v1');
  const evidence = log.data('evidence.gathered.v1');
  const judged = log.data('task.judged.v1');
  for (const score of log.data('score.recorded.v1')) {
    if (score.status !== 'scored') continue;
    const same = (each: Readonly<{ task: string; miner: string }>): boolean =>
      each.task === score.task && each.miner === score.miner;
    const answer = invoked.filter(same).at(-1);
    const found = evidence.filter(same).at(-1);
    const verdict = judged.filter(same).at(-1);
    expect(answer?.outcome).toBe('completed');
    expect(found?.attempt).toBe(answer?.attempt);
    expect(verdict).toMatchObject({ composite: score.score, transcript: score.evidence });
    const tools = new Set(answer?.jobs.flatMap((job) => [...(jobs.get(job)?.tools ?? [])]));
    expect(found?.tools).toEqual([...tools].toSorted());
    const cost = answer?.jobs.reduce((sum, job) => sum + (jobs.get(job)?.cost ?? 0), 0);
    expect(found?.cost).toEqual({ state: 'known', cost });
  }
}

/** A miner answers a task once, the answer is judged once, and every attempt has jobs of its own. */
function expectOneEvaluationOfEach({ log }: Play): void {
  const names = (events: readonly Readonly<{ task: string; miner: string }>[]): readonly string[] =>
    events.map(({ task, miner }) => `${task}/${miner}`);
  const invoked = log.data('task.invoked.v1');
  for (const list of [
    names(invoked.filter(({ outcome }) => outcome !== 'unreachable')),
    names(log.data('task.judged.v1')),
    names(log.data('evidence.gathered.v1')),
    log.data('reference.made.v1').map(({ task }) => task),
    invoked.flatMap(({ jobs }) => jobs),
  ])
    expect(new Set(list).size).toBe(list.length);
}

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MINERS_AT_ONCE } from '#src/evaluation/run-length.ts';
import {
  decideEvaluation,
  type EvaluationView,
  pairName,
} from '#src/handlers/evaluation/decide-evaluation.ts';

const VIEW: EvaluationView = {
  tasks: ['t-1', 't-2', 't-3'],
  miners: [
    { miner: 'ann', standing: 'ready', usedMs: 0 },
    { miner: 'bob', standing: 'ready', usedMs: 0 },
  ],
  settled: new Set(),
  busy: [],
  notBefore: new Map(),
  now: 1_000,
  outage: null,
  limits: { pairs: 8, tasks: 3 },
};

const begunIn = (changes: Partial<EvaluationView>): readonly string[] =>
  decideEvaluation({ ...VIEW, ...changes }).map(
    ({ how, ...pair }) => `${pairName(pair)}${how === 'lose' ? ' lost' : ''}`,
  );

describe('a round begins', () => {
  test.for<[string, Partial<EvaluationView>, readonly string[]]>([
    ['the first task of every miner', {}, ['t-1/ann', 't-1/bob']],
    ['nothing while a service is away', { outage: 'ledger' }, []],
    ['nothing without tasks', { tasks: [] }, []],
    [
      'nothing of what has its result',
      { settled: new Set(['t-1/ann', 't-1/bob', 't-2/ann']) },
      ['t-3/ann', 't-2/bob'],
    ],
    ['one pair at a time for each miner', { busy: [{ task: 't-1', miner: 'ann' }] }, ['t-1/bob']],
    ['as many pairs as there is room for', { limits: { pairs: 1, tasks: 3 } }, ['t-1/ann']],
    [
      'nothing more where every place is taken',
      { limits: { pairs: 1, tasks: 3 }, busy: [{ task: 't-1', miner: 'ann' }] },
      [],
    ],
    [
      'no further task than there may be at work',
      {
        limits: { pairs: 8, tasks: 1 },
        busy: [{ task: 't-1', miner: 'ann' }],
        settled: new Set(['t-1/bob']),
      },
      [],
    ],
    [
      'the next task where one waits after a failure of ours',
      { notBefore: new Map([['t-1/ann', 1_001]]) },
      ['t-2/ann', 't-1/bob'],
    ],
    [
      'what waited long enough',
      { notBefore: new Map([['t-1/ann', 1_000]]) },
      ['t-1/ann', 't-1/bob'],
    ],
    [
      'nothing of a miner whose runtime is not ready',
      {
        miners: [
          { miner: 'ann', standing: 'waiting', usedMs: 0 },
          { miner: 'bob', standing: 'ready', usedMs: 0 },
        ],
      },
      ['t-1/bob'],
    ],
    [
      'first whoever took less time',
      {
        limits: { pairs: 1, tasks: 3 },
        miners: [
          { miner: 'ann', standing: 'ready', usedMs: 2 },
          { miner: 'bob', standing: 'ready', usedMs: 1 },
        ],
      },
      ['t-1/bob'],
    ],
    [
      'the loss of a pair whose submission is lost',
      { miners: [{ miner: 'ann', standing: 'lost', usedMs: 0 }] },
      ['t-1/ann lost'],
    ],
  ])('%s', ([, changes, expected]) => {
    expect(begunIn(changes)).toEqual(expected);
  });

  test('whatever is the case only pairs that are free, within the limits and one for each miner', () => {
    fc.assert(
      fc.property(anyView, (view) => {
        const begun = decideEvaluation(view);
        const names = begun.map(pairName);
        const atWork = [...view.busy, ...begun];
        expect(new Set(begun.map(({ miner }) => miner)).size).toBe(begun.length);
        for (const busy of view.busy)
          expect(begun.map(({ miner }) => miner)).not.toContain(busy.miner);
        for (const name of names) {
          expect(view.settled.has(name)).toBe(false);
          expect(view.notBefore.get(name) ?? 0).toBeLessThanOrEqual(view.now);
        }
        if (begun.length > 0) {
          expect(atWork.length).toBeLessThanOrEqual(view.limits.pairs);
          expect(view.outage).toBeNull();
        }
        const fresh = new Set(begun.map(({ task }) => task));
        for (const { task } of view.busy) fresh.delete(task);
        if (fresh.size > 0)
          expect(new Set(atWork.map(({ task }) => task)).size).toBeLessThanOrEqual(
            view.limits.tasks,
          );
      }),
    );
  });
});

describe('miners that take all the time there is', () => {
  test.for([8, 16, 32, 248])('%i of them keep nobody from being asked everything', (slow) => {
    const tasks = Array.from({ length: 20 }, (_, index) => `t-${String(index).padStart(2, '0')}`);
    const fast = Array.from({ length: 8 }, (_, index) => `z-fast-${index}`);
    const names = [...Array.from({ length: slow }, (_, index) => `a-slow-${index}`), ...fast];
    const settled = measure(names, tasks, (name) => (fast.includes(name) ? 3_000 : TURN_MS));
    for (const miner of fast)
      expect(tasks.filter((task) => settled.has(`${task}/${miner}`))).toHaveLength(20);
  });
});

const TURN_MS = 120_000;

/** Plays a run of the least length in virtual time; gives what was measured in it. */
function measure(
  names: readonly string[],
  tasks: readonly string[],
  takes: (miner: string) => number,
): ReadonlySet<string> {
  const waves = Math.ceil(names.length / MINERS_AT_ONCE) - 1;
  const end = (waves + tasks.length) * TURN_MS;
  const settled = new Set<string>();
  const used = new Map<string, number>();
  let atWork: readonly Readonly<{ task: string; miner: string; until: number }>[] = [];
  for (let now = 0; now <= end; now = Math.min(...atWork.map(({ until }) => until))) {
    const done = atWork.filter(({ until }) => until <= now);
    for (const each of done) {
      settled.add(pairName(each));
      used.set(each.miner, (used.get(each.miner) ?? 0) + takes(each.miner));
    }
    atWork = atWork.filter(({ until }) => until > now);
    const begun = decideEvaluation({
      ...VIEW,
      now,
      tasks,
      settled,
      miners: names.map((miner) => ({ miner, standing: 'ready', usedMs: used.get(miner) ?? 0 })),
      busy: atWork,
      limits: { pairs: MINERS_AT_ONCE, tasks: 3 },
    });
    atWork = [...atWork, ...begun.map((pair) => ({ ...pair, until: now + takes(pair.miner) }))];
    if (atWork.length === 0) break;
  }
  return settled;
}

const TASKS = ['t-1', 't-2', 't-3', 't-4'];
const MINERS = ['ann', 'bob', 'cid'];
const pair = fc.record({ task: fc.constantFrom(...TASKS), miner: fc.constantFrom(...MINERS) });
const anyView: fc.Arbitrary<EvaluationView> = fc.record({
  tasks: fc.subarray(TASKS),
  miners: fc.subarray(MINERS).chain((miners) =>
    fc.tuple(
      ...miners.map((miner) =>
        fc.record({
          miner: fc.constant(miner),
          standing: fc.constantFrom('ready' as const, 'waiting' as const, 'lost' as const),
          usedMs: fc.nat(3),
        }),
      ),
    ),
  ),
  settled: fc.array(pair).map((pairs) => new Set(pairs.map(pairName))),
  busy: fc.uniqueArray(pair, { selector: ({ miner }) => miner }),
  notBefore: fc
    .array(fc.tuple(pair, fc.nat(2_000)))
    .map((waits) => new Map(waits.map(([each, until]) => [pairName(each), until]))),
  now: fc.constant(1_000),
  outage: fc.constantFrom(null, null, 'ledger'),
  limits: fc.record({ pairs: fc.nat(6), tasks: fc.integer({ min: 1, max: 4 }) }),
});

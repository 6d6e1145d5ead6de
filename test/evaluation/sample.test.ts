import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countingTasks, sampleTasks } from '#src/evaluation/sample.ts';
import { sha256 } from '#src/events/hash.ts';
import vectors from '../vectors/sample.json' with { type: 'json' };

const hash = fc.string().map((text) => sha256(text));
const tasks = fc.uniqueArray(fc.stringMatching(/^[a-z0-9]{1,12}$/), { minLength: 1 });

test.for(vectors.cases.map((each) => [each.name, each] as const))(
  'another implementation chooses the same: %s',
  ([, { count, expected }]) => {
    expect(sampleTasks(vectors.tasks, { count, blockHash: vectors.blockHash })).toEqual(expected);
  },
);

test('the same tasks are chosen in whatever order they come', () => {
  fc.assert(
    fc.property(tasks, fc.nat(20), hash, fc.gen(), (all, count, blockHash, gen) => {
      const shuffled = gen(() => fc.shuffledSubarray(all, { minLength: all.length }));
      const at = { count, blockHash };
      expect(sampleTasks(shuffled, at)).toEqual(sampleTasks(all, at));
    }),
  );
});

test('as many are chosen as are asked for, each one of the tasks and once, sorted', () => {
  fc.assert(
    fc.property(tasks, fc.integer({ min: 1, max: 300 }), hash, (all, count, blockHash) => {
      const chosen = sampleTasks(all, { count, blockHash });
      expect(chosen).toHaveLength(Math.min(count, all.length));
      expect(new Set(chosen).size).toBe(chosen.length);
      expect(chosen.every((task) => all.includes(task))).toBe(true);
      expect(chosen).toEqual(chosen.toSorted());
    }),
  );
});

test('none that was left out has a smaller digest than one that was chosen', () => {
  fc.assert(
    fc.property(tasks, fc.nat(20), hash, (all, count, blockHash) => {
      const chosen = new Set(sampleTasks(all, { count, blockHash }));
      const rank = (task: string): string => sha256(blockHash + task);
      const worst = [...chosen].map(rank).toSorted().at(-1) ?? '';
      const left = all.filter((task) => !chosen.has(task));
      expect(left.every((task) => rank(task) > worst)).toBe(true);
    }),
  );
});

test('without a count all of them are chosen', () => {
  fc.assert(
    fc.property(tasks, hash, (all, blockHash) => {
      expect(sampleTasks(all, { count: null, blockHash })).toEqual(all.toSorted());
    }),
  );
});

test('another block chooses others', () => {
  const all = Array.from({ length: 100 }, (_, n) => `t-${n}`);
  const of = (block: string) => sampleTasks(all, { count: 10, blockHash: sha256(block) });
  expect(of('one')).not.toEqual(of('other'));
});

test('of a sample no task counts before its block is known, and without a sample every task does', () => {
  const all = ['t-1', 't-2', 't-3'];
  expect(countingTasks({ tasks: all, sample: 2 }, null)).toEqual([]);
  expect(countingTasks({ tasks: all, sample: 2 }, sha256('block'))).toEqual(
    sampleTasks(all, { count: 2, blockHash: sha256('block') }),
  );
  expect(countingTasks({ tasks: all, sample: null }, null)).toEqual(all);
});

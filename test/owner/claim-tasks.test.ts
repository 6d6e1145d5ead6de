import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decideClaim, evaluationOf } from '#src/handlers/owner/claim-tasks.ts';
import type { Lease } from '#src/projectors/owner-evaluations.ts';
import { hotkey } from '../support/recorded-events.ts';

const run = { family: 'general_chat', run: 'run-7' };
const NOW = '2026-11-29T12:00:00.000Z';
const LATER = '2026-11-29T12:15:00.000Z';
const EARLIER = '2026-11-29T11:59:59.999Z';
const validator = hotkey('v');
const tasks = ['t-1', 't-2', 't-3'];

const lease = (task: string, more: Partial<Lease> = {}): Lease => ({
  ...run,
  evaluation: evaluationOf(run, task, validator),
  task,
  validator,
  attempt: 1,
  expires: LATER,
  status: 'held',
  ...more,
});
const claim = (leases: readonly Lease[], batch = 40) =>
  decideClaim(run, validator, { tasks, leases, batch, now: NOW, expires: LATER });
const names = (leases: readonly Lease[], batch?: number) =>
  claim(leases, batch).leased.map(({ task, attempt }) => `${task}/${attempt}`);

describe('a claim', () => {
  test('gives the first tasks in their order, as many as are asked for', () => {
    expect(names([], 2)).toEqual(['t-1/1', 't-2/1']);
    expect(claim([], 2).remaining).toBe(3);
  });

  test('leaves out what the validator holds, and what it has sent a result of', () => {
    const leases = [lease('t-1'), lease('t-2', { status: 'evaluated' })];
    expect(names(leases)).toEqual(['t-3/1']);
    expect(claim(leases).remaining).toBe(2);
  });

  test('ends a lease whose time is over, to the millisecond, and gives the task again', () => {
    expect(names([lease('t-1', { expires: NOW, attempt: 4 })], 1)).toEqual(['t-1/5']);
    expect(claim([lease('t-1', { expires: EARLIER })]).expired).toHaveLength(1);
    expect(claim([lease('t-1', { expires: LATER })]).expired).toEqual([]);
  });

  test('does not end a lease that it does not give again', () => {
    const leases = tasks.map((task) => lease(task, { expires: EARLIER }));
    expect(claim(leases, 1).expired.map(({ task }) => task)).toEqual(['t-1']);
  });

  test('gives at once what was given back', () => {
    const leases = [lease('t-1', { status: 'returned', expires: LATER })];
    expect(names(leases, 1)).toEqual(['t-1/2']);
    expect(claim(leases).expired).toEqual([]);
  });

  test('stops to give a task that was leased a thousand times', () => {
    expect(names([lease('t-1', { status: 'expired', attempt: 1_000 })])).toEqual([
      't-2/1',
      't-3/1',
    ]);
  });

  test('names an evaluation by run, task and validator alone', () => {
    const [first] = claim([]).leased;
    expect(first?.evaluation).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(evaluationOf(run, 't-1', validator)).toBe(first?.evaluation);
    const others = [
      evaluationOf({ ...run, run: 'run-8' }, 't-1', validator),
      evaluationOf({ ...run, family: 'other' }, 't-1', validator),
      evaluationOf(run, 't-2', validator),
      evaluationOf(run, 't-1', hotkey('w')),
    ];
    expect(new Set([...others, first?.evaluation]).size).toBe(5);
  });

  test('of any state never gives a task twice, nor one that is held or done', () => {
    const status = fc.constantFrom('held', 'evaluated', 'returned', 'expired', 'run-ended');
    const state = fc.record({ status, expires: fc.constantFrom(EARLIER, NOW, LATER) });
    fc.assert(
      fc.property(
        fc.array(state, { maxLength: 3 }),
        fc.integer({ min: 1, max: 40 }),
        (states, batch) => {
          const leases = states.map((each, at) => lease(`t-${at + 1}`, each as Partial<Lease>));
          const { leased, expired } = claim(leases, batch);
          const given = leased.map(({ task }) => task);
          expect(new Set(given).size).toBe(given.length);
          for (const { task, status, expires } of leases) {
            const taken = status === 'evaluated' || (status === 'held' && expires > NOW);
            if (taken) expect(given).not.toContain(task);
          }
          for (const { task } of expired) expect(given).toContain(task);
        },
      ),
    );
  });
});

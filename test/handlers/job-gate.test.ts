import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createJobGate, type Entered } from '#src/handlers/job-gate.ts';

const LIMITS = { atOnce: 3, burst: 5, perSecond: 1 };
const job = (deployment: string, turn = 't') => `task-eval=${turn};deployment=${deployment}`;

function gateAt() {
  const clock = { ms: 0 };
  const gate = createJobGate(LIMITS, { elapsedMs: () => clock.ms });
  return { clock, ...gate };
}

function entered(result: ReturnType<ReturnType<typeof gateAt>['enter']>): Entered {
  if (result.kind !== 'entered') throw new Error(JSON.stringify(result.detail));
  return result;
}

test('whatever one miner does, another one has its places and its rate', () => {
  const step = fc.record({ turn: fc.constantFrom('a', 'b', 'c'), leaves: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { enter } = gateAt();
      for (const { turn, leaves } of steps) {
        const result = enter(job('greedy', turn));
        if (result.kind === 'entered' && leaves) result.leave();
      }
      for (let place = 0; place < LIMITS.atOnce; place++) entered(enter(job('modest')));
    }),
  );
});

test('all jobs of a miner share its places, and a place is free again once, when its request is over', () => {
  const { enter } = gateAt();
  const [first] = ['a', 'b', 'c'].map((turn) => entered(enter(job('m', turn))));
  expect(enter(job('m', 'd'))).toMatchObject({ status: 429 });
  first?.leave();
  first?.leave();
  entered(enter(job('m', 'd')));
  expect(enter(job('m', 'e'))).toMatchObject({ status: 429 });
});

test('a miner that was refused for its rate is let in again in time', () => {
  const { enter, clock } = gateAt();
  for (let call = 0; call < LIMITS.burst; call++) entered(enter(job('m'))).leave();
  expect(enter(job('m'))).toMatchObject({ status: 429, detail: 'too many calls of this job' });
  clock.ms = 1_000;
  entered(enter(job('m'))).leave();
  expect(enter(job('m'))).toMatchObject({ status: 429 });
});

test('who is turned away because the job is closed keeps no place', async () => {
  const gate = gateAt();
  const enterOpen = (id: string) =>
    gate.enterOpen(id, async () =>
      id === job('m', 'old') ? { kind: 'refused', status: 403, detail: 'job is closed' } : null,
    );
  for (let call = 0; call < 4; call++)
    expect(await enterOpen(job('m', 'old'))).toMatchObject({ status: 403 });
  expect(await enterOpen(job('m', 'new'))).toMatchObject({ kind: 'entered' });
});

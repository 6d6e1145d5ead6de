import { describe, expect, test } from 'vitest';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { createSweeper, decideSweep } from '#src/handlers/evaluation/sweep-documents.ts';
import { evaluation } from '#src/projectors/evaluation.ts';
import { documentsOf } from '#src/projectors/evaluation-queries.ts';
import { runState } from '#src/projectors/run-state.ts';
import { evaluationEvents } from '../../support/evaluation-events.ts';
import { digest, hotkey, project } from '../../support/recorded-events.ts';

const DONE = { done: true };
const OPEN = { done: false };

describe('of runs, the newest first,', () => {
  test.for([
    { runs: [OPEN, DONE, DONE, DONE], keep: 2, old: 2 },
    { runs: [DONE, DONE], keep: 2, old: 0 },
    { runs: [], keep: 2, old: 0 },
    { runs: [OPEN, DONE, OPEN, DONE], keep: 2, old: 1 },
  ])('$runs with $keep kept, $old are old', ({ runs, keep, old }) => {
    const decided = decideSweep(runs, keep);
    expect(decided.old).toEqual(Array.from({ length: old }, () => DONE));
    expect([...decided.old, ...decided.kept]).toHaveLength(runs.length);
  });
});

const FAMILY = 'general_chat';
/** What of a run's events no other run has. */
const OWN = { 'run-1': 'c', 'run-2': 'd', 'run-3': 'e' } as const;
type RunName = keyof typeof OWN;

/** A run with an answer and a transcript of its own; archive and task set are those of every run. */
function eventsOf(run: RunName): readonly DomainEvent[] {
  const place = { family: FAMILY, run };
  const phases = { snapshot: 1, commit: 2, decide: 3, certify: 4 };
  const miners = [hotkey('m')];
  return [
    {
      type: 'run.opened.v1',
      data: { ...place, roster: digest('a'), miners, tasks: ['t-1'], phases },
    },
    ...evaluationEvents(place).map((event): DomainEvent => {
      if (event.type === 'task.invoked.v1')
        return { ...event, data: { ...event.data, answer: digest(OWN[run]) } };
      return event;
    }),
    { type: 'weights.superseded.v1', data: { ...place, by: 'run-9' } },
  ];
}

async function site(runs: readonly RunName[]) {
  const events = runs.flatMap(eventsOf);
  const [state, evaluated] = await Promise.all([
    project(runState, events),
    project(evaluation, events),
  ]);
  const kept = new Set(
    (
      await Promise.all(runs.map((run) => documentsOf(evaluated.queries, { family: FAMILY, run })))
    ).flat(),
  );
  const sweeps: string[] = [];
  const sweeper = () =>
    createSweeper(1, {
      queries: { runState: state.queries, evaluation: evaluated.queries },
      has: (found) => Promise.resolve(kept.has(found)),
      remove: (found) => Promise.resolve(void kept.delete(found)),
      clock: () => 0,
      onSweep: (run, documents) => sweeps.push(`${run} ${documents}`),
    });
  return { kept, sweeps, sweeper };
}

test('what only old runs name goes, and what a kept run names stays', async () => {
  const { kept, sweeps, sweeper } = await site(['run-1', 'run-2', 'run-3']);
  const before = new Set(kept);
  await sweeper()();
  expect([...before].filter((each) => !kept.has(each))).toEqual([digest('c'), digest('d')]);
  expect(sweeps).toEqual(['run-2 1', 'run-1 1']);
});

test('what is gone is not looked for again, in this process or the next', async () => {
  const { sweeps, sweeper } = await site(['run-1', 'run-2']);
  const first = sweeper();
  await first();
  await first();
  await sweeper()();
  expect(sweeps).toEqual(['run-1 1']);
});

test('while every run is kept nothing goes', async () => {
  const { kept, sweeps, sweeper } = await site(['run-1']);
  const before = kept.size;
  await sweeper()();
  expect(kept.size).toBe(before);
  expect(sweeps).toEqual([]);
});

import { describe, expect, test } from 'vitest';

import type { DomainEvent } from '#src/events/catalogue.ts';
import { MAX_TASKS } from '#src/events/run.ts';
import { recordedEvidence, scoreStore, tallies } from '#src/projectors/score-store.ts';

import { digest, hotkey, project } from '../support/recorded-events.ts';

const [a, b] = [hotkey('a'), hotkey('b')];
const TASKS = Array.from({ length: MAX_TASKS + 1 }, (_, index) => `t-${index}`);
const RUN_1 = { family: 'general_chat', run: 'run-1', tasks: TASKS };

describe('tallies', () => {
  test('sum what counts, and count what is excused apart', async () => {
    await using projection = await project(scoreStore, [
      scored(b, 't-1', 400),
      scored(a, 't-1', 1_000_000_000),
      scored(a, 't-2', 1),
      result(a, 't-3', { status: 'failed', score: 0, basis: 'none' }),
      result(a, 't-4', { status: 'excused', score: null, basis: 'none' }),
    ]);
    expect(await tallies(projection.queries, RUN_1)).toEqual([
      { miner: a, sum: 1_000_000_001, judged: 3, excused: 1 },
      { miner: b, sum: 400, judged: 1, excused: 0 },
    ]);
  });

  test('a miner with nothing but excused pairs has a sum of zero over none', async () => {
    const excused = result(a, 't-1', { status: 'excused', score: null, basis: 'none' });
    await using projection = await project(scoreStore, [excused]);
    const [tally] = await tallies(projection.queries, RUN_1);
    expect(tally).toEqual({ miner: a, sum: 0, judged: 0, excused: 1 });
  });

  test('are exact for as many tasks as a run may have, all at the highest score', async () => {
    const events = Array.from({ length: MAX_TASKS }, (_, i) => scored(a, `t-${i}`, 999_999_999));
    await using projection = await project(scoreStore, events);
    const [tally] = await tallies(projection.queries, RUN_1);
    expect(tally).toEqual({
      miner: a,
      sum: 999_999_999 * MAX_TASKS,
      judged: MAX_TASKS,
      excused: 0,
    });
  });

  test('hold the first result of a pair, whatever comes later', async () => {
    await using projection = await project(scoreStore, [
      scored(a, 't-1', 7),
      scored(a, 't-1', 900),
      result(a, 't-1', { status: 'excused', score: null, basis: 'none' }),
    ]);
    const [tally] = await tallies(projection.queries, RUN_1);
    expect(tally).toEqual({ miner: a, sum: 7, judged: 1, excused: 0 });
  });

  test('are of the tasks that count alone', async () => {
    await using projection = await project(scoreStore, [
      scored(a, 't-1', 7),
      scored(a, 't-2', 900),
      result(a, 't-3', { status: 'excused', score: null, basis: 'none' }),
    ]);
    expect(await tallies(projection.queries, { ...RUN_1, tasks: ['t-2'] })).toEqual([
      { miner: a, sum: 900, judged: 1, excused: 0 },
    ]);
    expect(await tallies(projection.queries, { ...RUN_1, tasks: [] })).toEqual([]);
  });

  test('keep runs and families apart', async () => {
    await using projection = await project(scoreStore, [
      scored(a, 't-1', 1),
      scored(a, 't-1', 20, { run: 'run-2' }),
      scored(a, 't-1', 300, { family: 'research' }),
    ]);
    const sums = async (family: string, run: string): Promise<readonly number[]> =>
      (await tallies(projection.queries, { family, run, tasks: TASKS })).map(({ sum }) => sum);
    expect(await sums('general_chat', 'run-1')).toEqual([1]);
    expect(await sums('general_chat', 'run-2')).toEqual([20]);
    expect(await sums('research', 'run-1')).toEqual([300]);
    expect(await sums('research', 'run-2')).toEqual([]);
  });
});

describe('recorded evidence', () => {
  test('is given for those of the asked pairs that have a result', async () => {
    await using projection = await project(scoreStore, [
      scored(a, 't-1', 1, { evidence: digest('1') }),
      scored(b, 't-1', 1, { evidence: digest('2') }),
      scored(b, 't-2', 1, { evidence: digest('3') }),
      scored(b, 't-3', 1, { run: 'run-2' }),
    ]);
    const asked = [
      { task: 't-1', miner: a },
      { task: 't-2', miner: b },
      { task: 't-2', miner: a },
      { task: 't-3', miner: b },
    ];
    const found = await recordedEvidence(projection.queries, 'general_chat', 'run-1', asked);
    expect([...found]).toEqual([
      [`t-1/${a}`, digest('1')],
      [`t-2/${b}`, digest('3')],
    ]);
    expect(await recordedEvidence(projection.queries, 'general_chat', 'run-1', [])).toEqual(
      new Map(),
    );
  });
});

type Score = Extract<DomainEvent, { type: 'score.recorded.v1' }>['data'];

function scored(
  miner: string,
  task: string,
  score: number,
  more: Partial<Score> = {},
): DomainEvent {
  return result(miner, task, { status: 'scored', score, basis: 'final', ...more });
}

function result(
  miner: string,
  task: string,
  more: Pick<Score, 'status' | 'score' | 'basis'> & Partial<Score>,
): DomainEvent {
  const data = {
    family: 'general_chat',
    run: 'run-1',
    task,
    miner,
    evidence: digest('e'),
    ...more,
  };
  return { type: 'score.recorded.v1', data };
}

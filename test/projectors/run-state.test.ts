import { describe, expect, test } from 'vitest';

import type { DomainEvent } from '#src/events/catalogue.ts';
import { findRun, listRuns, runState, unfinishedRuns } from '#src/projectors/run-state.ts';

import { digest, hotkey, project } from '../support/recorded-events.ts';
import { runEvents } from '../support/run-events.ts';

describe('a run', () => {
  test('is open from its opening to its closing', async () => {
    await using open = await project(runState, [opened('run-7')]);
    expect(await findRun(open.queries, 'general_chat', 'run-7')).toEqual({
      family: 'general_chat',
      run: 'run-7',
      sequence: 7,
      openedN: 0,
      roster: digest('a'),
      miners: [hotkey('a'), hotkey('b')],
      tasks: ['t-1', 't-2'],
      sample: null,
      measured: false,
      phases: { snapshot: 100, commit: 200, decide: 300, certify: 400 },
      status: 'open',
      closedReason: null,
      done: false,
    });
    await using closed = await project(runState, [opened('run-7'), close('run-7')]);
    expect(await findRun(closed.queries, 'general_chat', 'run-7')).toMatchObject({
      status: 'closed',
      closedReason: 'commit-phase-ended',
    });
  });

  test('has the sample of the roster that it was opened by', async () => {
    await using projection = await project(runState, [opened('run-7'), accepted('run-7', 1)]);
    expect((await findRun(projection.queries, 'general_chat', 'run-7'))?.sample).toBe(1);
    await using whole = await project(runState, [opened('run-7'), accepted('run-7', null)]);
    expect((await findRun(whole.queries, 'general_chat', 'run-7'))?.sample).toBeNull();
  });

  test('is found in its own family only', async () => {
    await using projection = await project(runState, [opened('run-7'), close('run-7', 'research')]);
    expect(await findRun(projection.queries, 'research', 'run-7')).toBeNull();
    expect(await findRun(projection.queries, 'general_chat', 'run-8')).toBeNull();
    expect((await findRun(projection.queries, 'general_chat', 'run-7'))?.status).toBe('open');
  });

  test('knows where in the log it was opened', async () => {
    await using projection = await project(runState, [
      opened('run-1'),
      close('run-1'),
      opened('run-2'),
    ]);
    expect((await findRun(projection.queries, 'general_chat', 'run-2'))?.openedN).toBe(2);
  });
});

describe('the list of runs', () => {
  const events = [opened('run-9'), opened('run-10'), opened('run-2', 'research'), opened('run-1')];

  test('has the newest sequence first, by number and not by text', async () => {
    await using projection = await project(runState, events);
    const runs = await listRuns(projection.queries, { limit: 10 });
    expect(runs.map(({ run }) => run)).toEqual(['run-10', 'run-9', 'run-2', 'run-1']);
  });

  test('is bounded by its limit and by the family', async () => {
    await using projection = await project(runState, events);
    const newest = await listRuns(projection.queries, { limit: 2 });
    expect(newest.map(({ run }) => run)).toEqual(['run-10', 'run-9']);
    const research = await listRuns(projection.queries, { family: 'research', limit: 2 });
    expect(research.map(({ family, run }) => [family, run])).toEqual([['research', 'run-2']]);
  });
});

describe('unfinished runs', () => {
  test('are those whose weights have not been intended, the oldest first', async () => {
    await using projection = await project(runState, [
      opened('run-10'),
      opened('run-9'),
      opened('run-9', 'research'),
      close('run-9'),
      intended('run-10'),
    ]);
    const unfinished = await unfinishedRuns(projection.queries);
    expect(unfinished.map(({ family, run, status }) => [family, run, status])).toEqual([
      ['general_chat', 'run-9', 'closed'],
      ['research', 'run-9', 'open'],
    ]);
  });

  test('are none when every run has its intent', async () => {
    await using projection = await project(runState, [opened('run-1'), intended('run-1')]);
    expect(await unfinishedRuns(projection.queries)).toEqual([]);
  });

  test('keep the newest that can be set, until a later one stands in its place', async () => {
    const events = [
      opened('run-1'),
      dataEvent('weights.intended.v1'),
      dataEvent('weights.observed.v1'),
    ];
    await using kept = await project(runState, events);
    expect(await unfinishedRuns(kept.queries)).toMatchObject([{ run: 'run-1' }]);
    await using over = await project(runState, [...events, dataEvent('weights.superseded.v1')]);
    expect(await unfinishedRuns(over.queries)).toEqual([]);
    expect(await findRun(kept.queries, 'general_chat', 'run-1')).toMatchObject({ done: false });
    expect(await findRun(over.queries, 'general_chat', 'run-1')).toMatchObject({ done: true });
  });
});

function dataEvent(type: DomainEvent['type']): DomainEvent {
  const event = runEvents('run-1').find((event) => event.type === type);
  if (event === undefined) throw new Error(`no event of type ${type}`);
  return event;
}

function opened(run: string, family = 'general_chat'): DomainEvent {
  const data = {
    family,
    run,
    roster: digest('a'),
    miners: [hotkey('a'), hotkey('b')],
    tasks: ['t-1', 't-2'],
    phases: { snapshot: 100, commit: 200, decide: 300, certify: 400 },
  };
  return { type: 'run.opened.v1', data };
}

function close(run: string, family = 'general_chat'): DomainEvent {
  return { type: 'run.closed.v1', data: { family, run, reason: 'commit-phase-ended' } };
}

function intended(run: string): DomainEvent {
  return {
    type: 'weights.intended.v1',
    data: {
      family: 'general_chat',
      run,
      mode: 'owner',
      reason: 'owner-unknown',
      winner: null,
      vector: null,
      targetBlock: 500,
      outcome: null,
    },
  };
}

function accepted(run: string, sample: number | null): DomainEvent {
  const digests = { roster: digest('a'), document: digest('b'), taskSet: digest('c') };
  const data = { family: 'general_chat', run, ...digests, epoch: 7, members: 2, sample };
  return { type: 'roster.accepted.v1', data };
}

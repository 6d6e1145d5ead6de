import { describe, expect, test } from 'vitest';

import type { DomainEvent } from '#src/events/catalogue.ts';
import {
  divergence,
  divergenceOf,
  divergenceSummary,
  ownerPickOf,
} from '#src/projectors/divergence.ts';

import { digest, hotkey, project } from '../support/recorded-events.ts';

const [a, b] = [hotkey('a'), hotkey('b')];

describe('the owner’s pick', () => {
  test('is observed, or missed, or not known yet', async () => {
    await using projection = await project(divergence, [observed('run-1'), missed('run-2')]);
    const pick = (run: string): Promise<unknown> =>
      ownerPickOf(projection.queries, 'general_chat', run);
    expect(await pick('run-1')).toEqual({ observed: observed('run-1').data, missed: null });
    expect(await pick('run-2')).toEqual({ observed: null, missed: missed('run-2').data });
    expect(await pick('run-3')).toEqual({ observed: null, missed: null });
  });
});

describe('the summary', () => {
  test('counts runs that agree, that differ, that cannot be compared and that are missing', async () => {
    await using projection = await project(divergence, [
      ...[1, 2, 3, 4, 5].map((sequence) => closed(`run-${sequence}`)),
      recorded('run-3', { topOneAgrees: null, ownerWinner: null, rank: null }),
      recorded('run-1'),
      recorded('run-2', { topOneAgrees: false, ownerWinner: b }),
      repeated('run-2', '1'),
      repeated('run-2', '2'),
    ]);
    const summary = await divergenceSummary(projection.queries, 'general_chat', 50);
    expect(summary).toMatchObject({
      window: { size: 50, firstRun: 'run-1', lastRun: 'run-5' },
      runs: 5,
      recorded: 3,
      missing: 2,
      repeated: 2,
      agreement: { agreed: 1, compared: 2 },
      undefinedRank: 1,
      meanRhoMillionths: 750_000,
    });
    expect(summary.records.map(({ run }) => run)).toEqual(['run-1', 'run-2', 'run-3']);
    expect(summary.records[0]?.rank).toEqual({ n: 3, num: '6', denA: '8', denB: '8' });
  });

  test('looks at the last closed runs by sequence, not by time', async () => {
    await using projection = await project(divergence, [
      closed('run-10'),
      closed('run-9'),
      closed('run-2'),
      closed('run-11'),
      ...['run-2', 'run-9', 'run-11'].map((run) => recorded(run)),
      repeated('run-2', '1'),
    ]);
    const summary = await divergenceSummary(projection.queries, 'general_chat', 3);
    expect(summary).toMatchObject({
      window: { size: 3, firstRun: 'run-9', lastRun: 'run-11' },
      runs: 3,
      recorded: 2,
      missing: 1,
      repeated: 0,
    });
    expect(summary.records.map(({ run }) => run)).toEqual(['run-9', 'run-11']);
  });

  test('does not count a run that is still open', async () => {
    await using projection = await project(divergence, [
      closed('run-1'),
      recorded('run-1'),
      recorded('run-2'),
    ]);
    const summary = await divergenceSummary(projection.queries, 'general_chat', 50);
    expect(summary).toMatchObject({ runs: 1, recorded: 1, missing: 0 });
  });

  test('of a run that was compared twice the first record stands', async () => {
    const first = recorded('run-1', { topOneAgrees: false, ownerWinner: b });
    await using projection = await project(divergence, [closed('run-1'), first, recorded('run-1')]);
    const summary = await divergenceSummary(projection.queries, 'general_chat', 50);
    expect(summary.agreement).toEqual({ agreed: 0, compared: 1 });
    expect(await divergenceOf(projection.queries, 'general_chat', 'run-1')).toEqual(first.data);
  });

  test('does not mix families', async () => {
    await using projection = await project(divergence, [closed('run-1'), recorded('run-1')]);
    const summary = await divergenceSummary(projection.queries, 'research', 50);
    expect(summary).toEqual({
      window: { size: 50, firstRun: null, lastRun: null },
      runs: 0,
      recorded: 0,
      missing: 0,
      repeated: 0,
      agreement: { agreed: 0, compared: 0 },
      undefinedRank: 0,
      meanRhoMillionths: null,
      overlap: { common: 0, of: 0 },
      records: [],
    });
  });
});

function closed(run: string): DomainEvent {
  return { type: 'run.closed.v1', data: { family: 'general_chat', run, reason: 'requested' } };
}

function observed(run: string): DomainEvent {
  const scores = [{ miner: a, weight: 1_000_000_000 }];
  const data = {
    family: 'general_chat',
    run,
    winner: a,
    share: 1_000_000_000,
    scores,
    evidence: digest('e'),
  };
  return { type: 'owner-pick.observed.v1', data };
}

function missed(run: string): DomainEvent {
  return { type: 'owner-pick.missed.v1', data: { family: 'general_chat', run, detail: 'timeout' } };
}

type DivergenceData = Extract<DomainEvent, { type: 'divergence.recorded.v1' }>['data'];

function recorded(run: string, more: Partial<DivergenceData> = {}): DomainEvent {
  const data = {
    family: 'general_chat',
    run,
    consensusWinner: a,
    ownerWinner: a,
    topOneAgrees: true,
    rank: { n: 3, num: '6', denA: '8', denB: '8' },
    overlap: { k: 3, common: 2 },
    inputs: digest('1'),
    owner: digest('2'),
    ...more,
  };
  return { type: 'divergence.recorded.v1', data };
}

function repeated(run: string, digit: string): DomainEvent {
  const data = { family: 'general_chat', run, inputs: digest(digit), owner: digest('2') };
  return { type: 'divergence.repeated.v1', data };
}

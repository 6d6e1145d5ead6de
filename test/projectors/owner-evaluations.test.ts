import { describe, expect, test } from 'vitest';
import type { DomainEvent } from '#src/events/catalogue.ts';
import {
  heldLeases,
  leaseOf,
  leasesOf,
  ownerEvaluations,
  resultCounts,
  resultTallies,
} from '#src/projectors/owner-evaluations.ts';
import { digest, hotkey, project } from '../support/recorded-events.ts';

const PLACE = { family: 'general_chat', run: 'run-7' };
const [A, B, X, Y] = ['a', 'b', 'x', 'y'].map(hotkey) as [string, string, string, string]; // safe: four of four
const EXPIRES = '2026-11-29T12:15:00.000Z';

function leased(evaluation: string, changes: object = {}): DomainEvent {
  const lease = { task: 't-1', validator: A, attempt: 1, expires: EXPIRES };
  return { type: 'task.leased.v1', data: { ...PLACE, evaluation, ...lease, ...changes } };
}

function ended(evaluation: string, attempt = 1): DomainEvent {
  return {
    type: 'lease.ended.v1',
    data: { ...PLACE, evaluation, attempt, reason: 'expired' },
  };
}

function received(
  evaluation: string,
  scores: Readonly<Record<string, number | null>>,
  changes: object = {},
): DomainEvent {
  const list = Object.entries(scores).map(([miner, score]) => ({ miner, score }));
  const result = { task: 't-1', validator: A, result: digest('d'), oracleCost: 7 };
  return {
    type: 'result.received.v1',
    data: { ...PLACE, evaluation, ...result, scores: list, ...changes },
  };
}

describe('a lease', () => {
  test.for<[string, readonly DomainEvent[], string | undefined]>([
    ['is held', [leased('e-1')], 'held'],
    ['is ended', [leased('e-1'), ended('e-1')], 'expired'],
    ['is held again', [leased('e-1'), ended('e-1'), leased('e-1', { attempt: 2 })], 'held'],
    ['is evaluated', [leased('e-1'), received('e-1', { [X]: 1 })], 'evaluated'],
    [
      'stays evaluated whatever ends it later',
      [leased('e-1'), received('e-1', { [X]: 1 }), ended('e-1')],
      'evaluated',
    ],
    ['is none of another name', [leased('e-2')], undefined],
  ])('%s', async ([, events, status]) => {
    await using projection = await project(ownerEvaluations, events);
    expect((await leaseOf(projection.queries, 'e-1'))?.status).toBe(status);
  });

  test("is its validator's, in its run", async () => {
    await using projection = await project(ownerEvaluations, [
      leased('e-1'),
      leased('e-2', { validator: B }),
      leased('e-3', { run: 'run-8' }),
      leased('e-4', { task: 't-2' }),
    ]);
    const of = async (validator: string) =>
      (await leasesOf(projection.queries, { ...PLACE, validator })).map(
        ({ evaluation }) => evaluation,
      );
    expect((await of(A)).toSorted()).toEqual(['e-1', 'e-4']);
    expect(await of(B)).toEqual(['e-2']);
  });

  test('is among those that are held until a result or an end', async () => {
    await using projection = await project(ownerEvaluations, [
      leased('e-1'),
      leased('e-2', { task: 't-2' }),
      leased('e-3', { task: 't-3' }),
      ended('e-2'),
      received('e-3', {}),
    ]);
    const held = await heldLeases(projection.queries, PLACE);
    expect(held.map(({ evaluation }) => evaluation)).toEqual(['e-1']);
  });
});

describe('results', () => {
  const events = [
    received('e-1', { [X]: 400, [Y]: null }),
    received('e-2', { [X]: 500, [Y]: 1 }, { task: 't-2' }),
    received('e-3', { [X]: 1 }, { validator: B }),
    received('e-4', { [X]: 9 }, { run: 'run-8' }),
  ];

  test('are summed for each validator and miner; a score of null counts for nothing', async () => {
    await using projection = await project(ownerEvaluations, events);
    expect(await resultTallies(projection.queries, PLACE)).toEqual([
      { validator: A, miner: X, sum: 900, judged: 2, excused: 0 },
      { validator: A, miner: Y, sum: 1, judged: 1, excused: 1 },
      { validator: B, miner: X, sum: 1, judged: 1, excused: 0 },
    ]);
  });

  test('stand as they came first', async () => {
    await using projection = await project(ownerEvaluations, [
      received('e-1', { [X]: 400 }),
      received('e-1', { [X]: 999, [Y]: 999 }),
    ]);
    const tallies = await resultTallies(projection.queries, PLACE);
    expect(tallies.find(({ miner }) => miner === X)).toMatchObject({ sum: 400, judged: 1 });
  });

  test('are counted by miner', async () => {
    await using projection = await project(ownerEvaluations, events);
    const counts = await resultCounts(projection.queries, { ...PLACE, validator: A });
    expect(counts).toEqual(
      new Map([
        [X, 2],
        [Y, 2],
      ]),
    );
  });
});

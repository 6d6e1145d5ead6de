import { describe, expect, test } from 'vitest';
import type { DomainEvent } from '#src/events/catalogue.ts';
import {
  currentSubmissions,
  findOwnerRun,
  latestEnded,
  listSubmissions,
  newestTaskSet,
  openRuns,
  ownerRegistry,
  ownerRuns,
  previousWinner,
  runsNamed,
  runsOfTaskSet,
  submissionsNamed,
  submissionsOf,
  taskSetFamily,
} from '#src/projectors/owner-registry.ts';
import { digest, hotkey, project, signature } from '../support/recorded-events.ts';

const FAMILY = 'general_chat';
const [X, Y] = ['x', 'y'].map(hotkey) as [string, string]; // safe: two of two

function submitted(submission: string, miner: string, family = FAMILY): DomainEvent {
  const bytes = { archive: digest('6'), bytes: 2_048, manifest: digest('e') };
  return { type: 'submission.received.v1', data: { submission, miner, for: family, ...bytes } };
}

function published(taskSet: string, family = FAMILY): DomainEvent {
  return { type: 'task-set.published.v1', data: { for: family, taskSet, tasks: 2 } };
}

function opened(run: string, changes: object = {}): DomainEvent {
  const signed = { roster: digest('a'), document: digest('b'), signature: signature('1') };
  const phases = { snapshot: 10, commit: 20, decide: 30, certify: 40 };
  const lists = { tasks: ['t-1', 't-2'], submissions: ['s-1'] };
  const rest = { taskSet: digest('8'), epoch: 1, phases, sample: null, ...lists };
  return {
    type: 'roster.published.v1',
    data: { family: FAMILY, run, ...signed, ...rest, ...changes },
  };
}

function ended(run: string, winner: string | null, changes: object = {}): DomainEvent {
  const reason = winner === null ? 'no-scores' : 'first-run-best-score';
  const outcome = { winner, score: winner === null ? null : 500_000_000, reason };
  return {
    type: 'run.ended.v1',
    data: { family: FAMILY, run, ...outcome, ...changes },
  } as DomainEvent; // safe: both reasons are of the event
}

const names = (runs: readonly Readonly<{ run: string }>[]) => runs.map(({ run }) => run);
const ids = (list: readonly Readonly<{ submission: string }>[]) =>
  list.map(({ submission }) => submission);

describe('submissions', () => {
  const events = [
    submitted('s-1', X),
    submitted('s-2', Y),
    submitted('s-3', X),
    submitted('s-4', X, 'research'),
  ];

  test('of a miner the newest takes part in the next run of its family', async () => {
    await using projection = await project(ownerRegistry, events);
    expect(ids(await currentSubmissions(projection.queries, FAMILY))).toEqual(['s-2', 's-3']);
    expect(ids(await currentSubmissions(projection.queries, 'research'))).toEqual(['s-4']);
  });

  test('are all known, by miner, by name, and the newest first', async () => {
    await using projection = await project(ownerRegistry, events);
    const { queries } = projection;
    expect(ids(await submissionsOf(queries, X))).toEqual(['s-1', 's-3', 's-4']);
    expect(ids(await submissionsNamed(queries, ['s-3', 's-2', 'none']))).toEqual(['s-2', 's-3']);
    expect(ids(await listSubmissions(queries, { limit: 2 }))).toEqual(['s-4', 's-3']);
    const [first] = await submissionsOf(queries, X);
    expect(first).toMatchObject({ order: 0, miner: X, family: FAMILY, bytes: 2_048 });
  });

  test('stand as they came first', async () => {
    await using projection = await project(ownerRegistry, [
      submitted('s-1', X),
      submitted('s-1', Y),
    ]);
    expect(ids(await submissionsOf(projection.queries, Y))).toEqual([]);
  });
});

test('a task set is of its family, and the one that was published last is its newest', async () => {
  await using projection = await project(ownerRegistry, [
    published(digest('1')),
    published(digest('2')),
    published(digest('3'), 'research'),
    published(digest('1')),
  ]);
  const { queries } = projection;
  expect(await newestTaskSet(queries, FAMILY)).toBe(digest('2'));
  expect(await newestTaskSet(queries, 'coding')).toBeNull();
  expect(await taskSetFamily(queries, digest('3'))).toBe('research');
  expect(await taskSetFamily(queries, digest('4'))).toBeNull();
});

describe('runs', () => {
  const events = [
    opened('run-9'),
    opened('run-10', { sample: 1 }),
    opened('run-8', { family: 'research', taskSet: digest('9') }),
    ended('run-9', X),
  ];

  test('are open until they have ended', async () => {
    await using projection = await project(ownerRegistry, events);
    const { queries } = projection;
    expect(names(await openRuns(queries))).toEqual(['run-8', 'run-10']);
    expect(await findOwnerRun(queries, FAMILY, 'run-9')).toMatchObject({
      sequence: 9,
      ended: { winner: X, score: 500_000_000, reason: 'first-run-best-score' },
    });
    expect(await findOwnerRun(queries, FAMILY, 'run-10')).toMatchObject({ sample: 1, ended: null });
    expect(await findOwnerRun(queries, 'research', 'run-9')).toBeNull();
  });

  test('are listed by their number and not by its text, of all families or of one', async () => {
    await using projection = await project(ownerRegistry, events);
    const { queries } = projection;
    expect(names(await ownerRuns(queries, { limit: 9 }))).toEqual(['run-10', 'run-9', 'run-8']);
    expect(names(await ownerRuns(queries, { limit: 1, offset: 1 }))).toEqual(['run-9']);
    expect(names(await ownerRuns(queries, { family: 'research', limit: 9 }))).toEqual(['run-8']);
    expect(names(await runsNamed(queries, 'run-9'))).toEqual(['run-9']);
    expect(names(await runsOfTaskSet(queries, digest('9')))).toEqual(['run-8']);
  });

  test('have the roster that was published first', async () => {
    await using projection = await project(ownerRegistry, [
      opened('run-9'),
      opened('run-9', { roster: digest('c') }),
    ]);
    expect((await findOwnerRun(projection.queries, FAMILY, 'run-9'))?.roster).toBe(digest('a'));
  });

  test('the winner before a run is of the newest run that has one', async () => {
    await using projection = await project(ownerRegistry, [
      ...[7, 8, 9].map((number) => opened(`run-${number}`)),
      ended('run-7', X),
      ended('run-8', null),
      ended('run-9', Y),
    ]);
    const { queries } = projection;
    expect(await previousWinner(queries, FAMILY, 10)).toBe(Y);
    expect(await previousWinner(queries, FAMILY, 9)).toBe(X);
    expect(await previousWinner(queries, FAMILY, 7)).toBeNull();
    expect(await previousWinner(queries, 'research', 10)).toBeNull();
    expect((await latestEnded(queries, { before: 9 }))?.run).toBe('run-8');
    expect((await latestEnded(queries, { family: 'research' })) ?? null).toBeNull();
  });
});

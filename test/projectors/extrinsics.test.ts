import { expect, test } from 'vitest';
import type { DomainEvent } from '#src/events/catalogue.ts';
import type { Purpose, Settlement } from '#src/events/extrinsic.ts';
import {
  attemptsOf,
  extrinsics,
  inclusionsOf,
  latestCommitted,
  livingExtrinsics,
  observationsOf,
} from '#src/projectors/extrinsics.ts';
import { digest, project } from '../support/recorded-events.ts';
import { dataOf, FAMILY, runEvents } from '../support/run-events.ts';

const RUN = 'run-7';
type At = Readonly<{ run?: string; purpose?: Purpose; attempt?: number; outcome?: Settlement }>;

function signed(at: At): DomainEvent {
  return {
    type: 'extrinsic.signed.v1',
    data: { ...dataOf(RUN, 'extrinsic.signed.v1'), ...at },
  };
}

function settled(at: At): DomainEvent {
  return {
    type: 'extrinsic.settled.v1',
    data: { ...dataOf(RUN, 'extrinsic.settled.v1'), ...at },
  };
}

test('each attempt is given as its events hold it', async () => {
  await using projection = await project(extrinsics, runEvents(RUN));
  const { queries } = projection;
  const [attempt, ...more] = await attemptsOf(queries, FAMILY, RUN, 'weights');
  expect(more).toEqual([]);
  expect(attempt).toEqual({
    purpose: 'weights',
    attempt: 1,
    signed: dataOf(RUN, 'extrinsic.signed.v1'),
    settled: dataOf(RUN, 'extrinsic.settled.v1'),
  });
  expect(await attemptsOf(queries, FAMILY, RUN, 'commitment')).toEqual([]);
  expect(await attemptsOf(queries, 'research', RUN, 'weights')).toEqual([]);
  expect(await observationsOf(queries, FAMILY, RUN)).toEqual([dataOf(RUN, 'weights.observed.v1')]);
  expect(await inclusionsOf(queries, dataOf(RUN, 'extrinsic.signed.v1'))).toEqual([
    dataOf(RUN, 'extrinsic.included.v1'),
  ]);
});

test('attempts come by their number, those that were never signed among them', async () => {
  await using projection = await project(extrinsics, [
    settled({ attempt: 1 }),
    ...Array.from({ length: 10 }, (_, index) => signed({ attempt: index + 2 })),
  ]);
  const attempts = await attemptsOf(projection.queries, FAMILY, RUN, 'weights');
  expect(attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  expect(attempts[0]).toMatchObject({ signed: null, settled: { attempt: 1 } });
});

test('living is what was signed and not settled, of any run and purpose, the oldest run first', async () => {
  await using projection = await project(extrinsics, [
    signed({ run: 'run-10' }),
    signed({ run: 'run-9', purpose: 'commitment' }),
    signed({ run: 'run-9' }),
    settled({ run: 'run-9' }),
    settled({ run: 'run-8' }),
  ]);
  const living = await livingExtrinsics(projection.queries);
  expect(living.map(({ run, purpose }) => [run, purpose])).toEqual([
    ['run-9', 'commitment'],
    ['run-10', 'weights'],
  ]);
});

test('committed last is the newest run whose commitment succeeded, whatever was anchored or failed since', async () => {
  const commitment = { purpose: 'commitment', outcome: 'succeeded' } as const;
  const events = [
    settled({ run: 'run-9', ...commitment }),
    settled({ run: 'run-10', ...commitment }),
    settled({ run: 'run-11', ...commitment, outcome: 'refused' }),
    signed({ run: 'run-12', purpose: 'commitment' }),
    settled({ run: 'run-13', purpose: 'weights' }),
    settled({ run: 'run-14', purpose: 'anchor' }),
  ];
  await using projection = await project(extrinsics, events);
  expect(await latestCommitted(projection.queries)).toEqual({ family: FAMILY, run: 'run-10' });
  await using none = await project(extrinsics, events.slice(2));
  expect(await latestCommitted(none.queries)).toBeNull();
});

test('an end that is told twice stands as it was told first', async () => {
  const again = { ...dataOf(RUN, 'extrinsic.settled.v1'), carries: digest('9') };
  await using projection = await project(extrinsics, [
    signed({}),
    settled({}),
    { type: 'extrinsic.settled.v1', data: again },
    signed({ attempt: 1 }),
  ]);
  const [attempt] = await attemptsOf(projection.queries, FAMILY, RUN, 'weights');
  expect(attempt?.settled?.carries).toBe(digest('c'));
  expect(await livingExtrinsics(projection.queries)).toEqual([]);
});

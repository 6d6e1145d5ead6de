import { expect, test } from 'vitest';
import type { DomainEvent } from '#src/events/catalogue.ts';
import type { Recorded } from '#src/events/envelope.ts';
import { runKeys } from '#src/events/run-key.ts';
import { isSealable, sealFact } from '#src/events/seal-box.ts';
import { createUnsealer, type Unsealer } from '#src/events/unsealer.ts';
import { recordAll, SOURCE, scoreRecorded } from '../support/recorded-events.ts';

const keys = runKeys(new Uint8Array(32).fill(7), SOURCE);
const run = (id: string) => ({ family: 'general_chat', run: id });

const opened = (id: string): DomainEvent => ({
  type: 'scores.opened.v1',
  data: { ...run(id), key: keys(run(id)) },
});

const closed = (id: string): DomainEvent => ({
  type: 'run.closed.v1',
  data: { ...run(id), reason: 'requested' },
});

/** The events as a log holds them: what gives scores away is sealed. */
function stored(events: readonly DomainEvent[]): readonly Recorded[] {
  return recordAll(
    events.map((event) => (isSealable(event) ? sealFact(event, keys(event.data)) : event)),
  ).events;
}

const LOG: readonly DomainEvent[] = [
  scoreRecorded(0),
  scoreRecorded(1, 'run-2'),
  closed('run-1'),
  scoreRecorded(2),
  opened('run-1'),
  scoreRecorded(3),
  scoreRecorded(4, 'run-2'),
];

function takeAll(unsealer: Unsealer, events: readonly Recorded[]) {
  return events.flatMap((recorded) => unsealer.take(recorded));
}

test('with the keys every fact is read at once, in its place', () => {
  const log = stored(LOG);
  const unsealer = createUnsealer(keys);
  const read = takeAll(unsealer, log);
  expect(read.map(({ event }) => event)).toEqual(LOG);
  expect(read.map(({ n, hash }) => ({ n, hash }))).toEqual(log.map(({ n, hash }) => ({ n, hash })));
  expect(read[0]?.id).toMatch(/^score\.recorded\/general_chat\/run-1\/task-0\//);
  expect(unsealer.sealed()).toEqual([]);
});

test("without them a run's facts wait for its key, and what nobody opened is named", () => {
  const unsealer = createUnsealer();
  const read = takeAll(unsealer, stored(LOG));
  expect(read.map(({ n }) => n)).toEqual([2, 0, 3, 4, 5]);
  expect(read.map(({ event }) => event)).toEqual([2, 0, 3, 4, 5].map((index) => LOG[index]));
  expect(unsealer.sealed()).toEqual([{ ...run('run-2'), facts: 2, firstIndex: 1 }]);
});

test.for([
  ['a key that is not the one they were sealed with', 'ab'.repeat(32)],
  ["another run's key", keys(run('run-2'))],
] as const)('%s stops the reader at the first fact', ([, key]) => {
  const [fact, opening] = stored([scoreRecorded(0), opened('run-1')]);
  if (fact === undefined || opening?.event.type !== 'scores.opened.v1') throw new Error('no log');
  const unsealer = createUnsealer();
  unsealer.take(fact);
  const { event } = opening;
  const forged = { ...opening, event: { ...event, data: { ...event.data, key } } };
  expect(() => unsealer.take(forged)).toThrow(
    expect.objectContaining({
      code: 'log.broken',
      details: expect.objectContaining({ index: 0, leaf: fact.hash }),
    }),
  );
});

test('the first key of a run stands, for facts that come late too', () => {
  const log = stored([scoreRecorded(0), opened('run-1'), scoreRecorded(1)]);
  const second = stored([
    { type: 'scores.opened.v1', data: { ...run('run-1'), key: 'ab'.repeat(32) } },
  ]);
  const unsealer = createUnsealer();
  const read = takeAll(unsealer, [...log.slice(0, 2), ...second, ...log.slice(2)]);
  expect(read.map(({ event }) => event.type)).toEqual([
    'score.recorded.v1',
    'scores.opened.v1',
    'scores.opened.v1',
    'score.recorded.v1',
  ]);
});

test('sealed facts without end do not fill the memory', () => {
  const [fact] = stored([scoreRecorded(0)]);
  if (fact?.event.type !== 'fact.sealed.v1') throw new Error('not sealed');
  const { event } = fact;
  const large = { ...fact, event: { ...event, data: { ...event.data, box: 'A'.repeat(64_000) } } };
  const unsealer = createUnsealer();
  expect(() => {
    for (let taken = 0; taken < 10_000; taken++) unsealer.take(large);
  }).toThrow('log.broken');
});

import { expect, test } from 'vitest';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { EMPTY } from '#src/events/decode.ts';
import type { Draft } from '#src/events/envelope.ts';
import { type Appended, MAX_APPEND_EVENTS } from '#src/events/log.ts';
import { createRecorder, recordInBatches } from '#src/handlers/recorder.ts';

const TIME = '2026-01-02T03:04:05.678Z';

const closed = (sequence: number): DomainEvent => ({
  type: 'run.closed.v1',
  data: { family: 'general_chat', run: `run-${sequence}`, reason: 'requested' },
});

/** A recorder over a log of ten events, and what it did in which order. */
function recorderOver(conflict = false) {
  const calls: string[] = [];
  const drafts: Draft[] = [];
  const shown = Promise.withResolvers<void>();
  const append = (given: readonly Draft[]): Promise<Appended> => {
    calls.push(`append ${given.length}`);
    drafts.push(...given);
    if (conflict) return Promise.resolve({ kind: 'conflict', expected: EMPTY, found: '11 events' });
    const events = given.map(({ event, time, causationId }, index) => ({
      event,
      time,
      causationId,
      id: `id ${index}`,
      n: 10 + index,
      hash: '',
    }));
    return Promise.resolve({ kind: 'appended', events });
  };
  const reached = (size: number): Promise<void> => {
    calls.push(`reached ${size}`);
    return shown.promise;
  };
  const record = createRecorder({ append, reached, now: () => TIME });
  return { calls, drafts, shown, record };
}

test('it returns when every projection shows the events, not when they are stored', async () => {
  const { calls, shown, record } = recorderOver();
  const recorded = record([closed(1), closed(2)]).then(() => calls.push('returned'));
  await new Promise((resolve) => setImmediate(resolve));
  expect(calls).toEqual(['append 2', 'reached 12']);
  shown.resolve();
  await recorded;
  expect(calls).toEqual(['append 2', 'reached 12', 'returned']);
});

test('all events of a call share its time and cause', async () => {
  const { drafts, shown, record } = recorderOver();
  shown.resolve();
  await record([closed(1), closed(2)], 'the cause');
  await record([closed(3)]);
  expect(drafts).toEqual([
    { event: closed(1), time: TIME, causationId: 'the cause' },
    { event: closed(2), time: TIME, causationId: 'the cause' },
    { event: closed(3), time: TIME, causationId: null },
  ]);
});

test('another writer is an error that says what to do', async () => {
  const { calls, record } = recorderOver(true);
  await expect(record([closed(1)])).rejects.toMatchObject({
    code: 'log.conflict',
    details: { found: '11 events', next: expect.stringContaining('stop it') },
  });
  expect(calls).toEqual(['append 1']);
});

test('nothing is not appended, and more than one append takes is refused', async () => {
  const { calls, record } = recorderOver();
  await record([]);
  const many = Array.from({ length: MAX_APPEND_EVENTS + 1 }, (_, index) => closed(index));
  await expect(record(many)).rejects.toMatchObject({ code: 'append.too-large' });
  expect(calls).toEqual([]);
});

test('batches hold every event once, in order', async () => {
  const many = Array.from({ length: 2 * MAX_APPEND_EVENTS + 1 }, (_, index) => closed(index));
  const batches: (readonly DomainEvent[])[] = [];
  await recordInBatches(many, (events) => Promise.resolve(void batches.push(events)));
  expect(batches.map(({ length }) => length)).toEqual([MAX_APPEND_EVENTS, MAX_APPEND_EVENTS, 1]);
  expect(batches.flat()).toEqual(many);
});

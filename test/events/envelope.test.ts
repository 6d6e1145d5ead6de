import { expect, test } from 'vitest';
import { AppError } from '#src/errors.ts';
import { EMPTY, readEvent } from '#src/events/decode.ts';
import { type Draft, seal } from '#src/events/envelope.ts';

const SOURCE = 'eirel.network/log/v1/2f0555cc/36/nobody/0';

const closed = (over: Partial<Draft> = {}): Draft => ({
  event: {
    type: 'run.closed.v1',
    data: { family: 'general_chat', run: 'run-7', reason: 'requested' },
  },
  time: '2026-11-23T09:41:04.915Z',
  causationId: null,
  ...over,
});

test('what is sealed can be read, at its place and with its own hash', () => {
  const first = seal(closed(), SOURCE, EMPTY);
  const second = seal(closed({ causationId: first.recorded.id }), SOURCE, first.head);
  expect(readEvent(first.payload, SOURCE, EMPTY)).toEqual(first.recorded);
  expect(readEvent(second.payload, SOURCE, first.head)).toEqual(second.recorded);
  expect(second.recorded).toMatchObject({ n: 1, causationId: 'run.closed/general_chat/run-7' });
});

test.for<readonly [string, Draft]>([
  ['a time without milliseconds', closed({ time: '2026-11-23T09:41:04Z' })],
  ['a time that is none', closed({ time: 'yesterday' })],
  ['a time of another zone', closed({ time: '2026-11-23T09:41:04.915+01:00' })],
  ['a cause that is too long', closed({ causationId: 'x'.repeat(513) })],
  [
    'a run that is none',
    closed({
      event: {
        type: 'run.closed.v1',
        data: { family: 'general_chat', run: 'run-07', reason: 'requested' },
      },
    }),
  ],
])('%s is refused before it can stop every reader', ([, draft]) => {
  expect(() => seal(draft, SOURCE, EMPTY)).toThrow(AppError);
});

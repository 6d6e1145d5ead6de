import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allSubjects, logs, subjectFilter, subjectOf } from '#src/events/subjects.ts';
import { scoreRecorded } from '../support/recorded-events.ts';

describe('the subject of an event', () => {
  test('names log, noun, verb, family and run, so that each can be tailed', () => {
    const subject = subjectOf('validator', scoreRecorded(0, 'run-7'));
    expect(subject).toBe('validator.score.recorded.general_chat.run-7');
    for (const filter of [
      'validator.>',
      'validator.score.>',
      'validator.*.*.*.run-7',
      'validator.score.recorded.general_chat.run-7',
      '*.score.*.general_chat.>',
      '>',
    ]) {
      expect(subjectFilter(filter)(subject), filter).toBe(true);
    }
    for (const filter of [
      'validator',
      'validator.*',
      'validator.score.recorded.general_chat.run-7.>',
      'validator.*.*.*.run-8',
      'ledger.>',
      'validator.score.recorded.general_chat.run-7.*',
    ]) {
      expect(subjectFilter(filter)(subject), filter).toBe(false);
    }
  });

  test.for(logs)('every subject of the %s log is under its stream, and under no other', (log) => {
    const subject = subjectOf(log, scoreRecorded(1));
    const matching = logs.filter((name) => subjectFilter(allSubjects(name))(subject));
    expect(matching).toEqual([log]);
  });
});

describe('a subject filter', () => {
  test.for(['', '.', 'a.', '.a', 'a..b', 'a b', 'a.>.b', '>.a', 'a*', 'a.b>', 'ä'])(
    'refuses %j, which no subject can match or NATS does not know',
    (filter) => {
      expect(() => subjectFilter(filter)).toThrow(
        expect.objectContaining({
          code: 'input.invalid',
          details: expect.objectContaining({ field: 'subject', value: filter }),
        }),
      );
    },
  );

  const token = fc.stringMatching(/^[A-Za-z0-9_-]{1,6}$/);
  const subject = fc.array(token, { minLength: 2, maxLength: 6 });

  test('a star stands for exactly one token, wherever it is', () => {
    fc.assert(
      fc.property(subject, fc.nat(), (tokens, place) => {
        const at = place % tokens.length;
        const matches = subjectFilter(tokens.with(at, '*').join('.'));
        expect(matches(tokens.join('.'))).toBe(true);
        expect(matches(tokens.with(at, 'other-token').join('.'))).toBe(true);
        expect(matches(tokens.toSpliced(at, 1).join('.'))).toBe(false);
        expect(matches(tokens.toSpliced(at, 0, 'more').join('.'))).toBe(false);
      }),
    );
  });

  test('a last angle bracket stands for one or more tokens', () => {
    fc.assert(
      fc.property(subject, subject, (start, rest) => {
        const matches = subjectFilter([...start, '>'].join('.'));
        expect(matches([...start, ...rest].join('.'))).toBe(true);
        expect(matches(start.join('.'))).toBe(false);
      }),
    );
  });

  test('without wildcards it matches itself alone', () => {
    fc.assert(
      fc.property(subject, subject, (one, other) => {
        const matches = subjectFilter(one.join('.'));
        expect(matches(other.join('.'))).toBe(one.join('.') === other.join('.'));
      }),
    );
  });
});

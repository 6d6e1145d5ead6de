import { AppError } from '../errors.ts';
import type { DomainEvent } from './catalogue.ts';
import { runOf } from './define-event.ts';

/** The logs of the subnet, each with one writer; also the names of their JetStream streams. */
export const logs = ['validator', 'ledger', 'owner'] as const;
export type LogName = (typeof logs)[number];

/**
 * Where an event is published: `<log>.<noun>.<verb>.<family>.<run>`, without the last two for a fact of
 * the log itself; a sealed fact where the event inside it would be. An untrusted convenience: readers
 * believe payloads only.
 */
export function subjectOf(log: LogName, event: DomainEvent): string {
  const [noun, verb] = (event.type === 'fact.sealed.v1' ? event.data.of : event.type).split('.');
  const run = runOf(event.data);
  return [log, noun, verb, ...(run === null ? [] : [run.family, run.run])].join('.');
}

/** Every subject of a log. */
export function allSubjects(log: LogName): string {
  return `${log}.>`;
}

/**
 * A test for subjects against a NATS filter (`*` one token, a last `>` one or more). Throws
 * `input.invalid` for a filter that no subject can match.
 */
export function subjectFilter(filter: string): (subject: string) => boolean {
  const wanted = filter.split('.');
  const valid = wanted.every(
    (token, index) =>
      token === '*' ||
      (token === '>' && index === wanted.length - 1) ||
      /^[A-Za-z0-9_-]+$/.test(token),
  );
  if (!valid) {
    throw new AppError('input.invalid', {
      field: 'subject',
      value: filter,
      expected:
        'tokens joined by dots, * for one, a last > for the rest, such as validator.score.>',
    });
  }
  return (subject) => {
    const tokens = subject.split('.');
    const open = wanted.at(-1) === '>';
    if (open ? tokens.length < wanted.length : tokens.length !== wanted.length) return false;
    return wanted.every(
      (token, index) => token === '*' || token === '>' || token === tokens[index],
    );
  };
}

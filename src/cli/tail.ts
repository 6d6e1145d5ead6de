import { type AppError, isAppError } from '../errors.ts';
import { EMPTY } from '../events/decode.ts';
import { subjectIn } from '../events/define-event.ts';
import type { Recorded } from '../events/envelope.ts';
import { type LogName, logs, subjectFilter, subjectOf } from '../events/subjects.ts';
import { type Command, type Io, JSON_OPTION, usage, wholeNumber } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { NATS_SETTINGS } from './nats-address.ts';
import { awaitSource, openReader, SOURCE_OPTION } from './open-reader.ts';
import { printable } from './printable.ts';
import { summarize } from './summarize-event.ts';

export const tailCommand: Command = {
  name: 'tail',
  summary:
    'Follow a log, verified event by event; a subject such as validator.score.> or ledger.> names and narrows it.',
  arguments: ['[subject]'],
  options: {
    from: {
      type: 'string',
      placeholder: 'n',
      help: 'print from this index on (the chain is verified from 0)',
    },
    'no-follow': { type: 'boolean', help: "end at the log's present end" },
    source: SOURCE_OPTION,
    json: { ...JSON_OPTION, help: 'print the stored payloads, one a line' },
  },
  details:
    'Scores are stored sealed; whoever may read seal.key in EIREL_SIGNING_DIR sees them at once, others once the run is opened.',
  settings: [...NATS_SETTINGS, 'EIREL_SIGNING_DIR'],
  run: async (input, io) => {
    const { log, matches } = readFilter(input.arguments[0] ?? 'validator.>');
    const from = wholeNumber(tailCommand, 'from', input.value('from'), 0);
    const follow = !input.flag('no-follow');
    await using reader = await openTail(io, { log, source: input.value('source') }, follow);
    if (reader === null) return EXIT.ok;
    const print = input.flag('json')
      ? (_event: Recorded, payload: Uint8Array) => io.out(`${Buffer.from(payload).toString()}\n`)
      : (event: Recorded) => io.out(`${line(event)}\n`);
    for await (const { events, payloads } of reader.log.read({
      after: EMPTY,
      follow,
      signal: io.signal,
    })) {
      events.forEach((event, index) => {
        const payload = payloads[index];
        if (payload !== undefined && event.n >= from && matches(subjectOf(log, event.event)))
          print(event, payload);
      });
    }
    return EXIT.ok;
  },
};

/** Whoever follows an empty log waits for its first event. Null when it was stopped before that. */
async function openTail(
  io: Io,
  of: Readonly<{ log: LogName; source: string | undefined }>,
  follow: boolean,
) {
  if (!follow) return openReader(io, of);
  try {
    return await openReader(io, of, (store) => awaitSource(store, io.signal));
  } catch (error) {
    if (io.signal.aborted && !isAppError(error, 'log.broken')) return null;
    throw error;
  }
}

/** The log that a filter begins with, the validator's where it says no name. Throws `usage.invalid` for one that is none. */
function readFilter(
  filter: string,
): Readonly<{ log: LogName; matches: (subject: string) => boolean }> {
  const [first = ''] = filter.split('.');
  const log = ['*', '>'].includes(first) ? 'validator' : logs.find((name) => name === first);
  const fault = (expected: unknown): AppError =>
    usage(tailCommand, { field: 'subject', value: filter, expected: String(expected) });
  let matches: (subject: string) => boolean;
  try {
    matches = subjectFilter(filter);
  } catch (error) {
    throw isAppError(error, 'input.invalid') ? fault(error.details['expected']) : error;
  }
  if (log === undefined)
    throw fault(`a subject of a log: ${logs.join(', ')}, * or > first, such as validator.score.>`);
  return { log, matches };
}

/** One event in one line for people: index, time, type, run, and what it says; text of peers keeps to its line. */
function line({ n, time, event }: Recorded): string {
  return `${String(n).padStart(6)}  ${time.slice(11, 23)}  ${event.type.padEnd(26)} ${subjectIn(event.data)}  ${printable(summarize(event))}`;
}

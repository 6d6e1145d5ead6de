import { EMPTY } from '../events/decode.ts';
import type { Recorded } from '../events/envelope.ts';
import { subjectFilter, subjectOf } from '../events/subjects.ts';
import { type Command, JSON_OPTION, wholeNumber } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { openReader, SOURCE_OPTION } from './open-reader.ts';
import { summarize } from './summarize-event.ts';

export const tailCommand: Command = {
  name: 'tail',
  summary:
    'Follow the log, verified event by event; a subject such as validator.score.> narrows it.',
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
  run: async (input, io) => {
    const matches = subjectFilter(input.arguments[0] ?? 'validator.>');
    const from = wholeNumber(tailCommand, 'from', input.value('from'), 0);
    await using reader = await openReader(io, input.value('source'));
    const print = input.flag('json')
      ? (_event: Recorded, payload: Uint8Array) => io.out(`${Buffer.from(payload).toString()}\n`)
      : (event: Recorded) => io.out(`${line(event)}\n`);
    for await (const { events, payloads } of reader.log.read({
      after: EMPTY,
      follow: !input.flag('no-follow'),
      signal: io.signal,
    })) {
      events.forEach((event, index) => {
        const payload = payloads[index];
        if (
          payload !== undefined &&
          event.n >= from &&
          matches(subjectOf('validator', event.event))
        )
          print(event, payload);
      });
    }
    return EXIT.ok;
  },
};

/** One event in one line for people: index, time, type, run, and what it says; text of peers keeps to its line. */
function line({ n, time, event }: Recorded): string {
  const { family, run } = event.data;
  return `${String(n).padStart(6)}  ${time.slice(11, 23)}  ${event.type.padEnd(26)} ${family}/${run}  ${printable(summarize(event))}`;
}

/** A peer's words may hold line ends and what a terminal takes for commands. */
function printable(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '·');
}

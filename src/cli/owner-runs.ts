import { loadConfig } from '../config.ts';
import { type Command, JSON_OPTION, usage, wholeNumber } from './command.ts';
import { NATS_SETTINGS } from './nats-address.ts';
import { askOwner } from './owner/ask-owner.ts';

export const ownerRunsOpenCommand: Command = {
  name: 'owner runs open',
  summary: "Freeze and sign the roster of a family's next run, and publish it.",
  arguments: [],
  options: {
    family: { type: 'string', placeholder: 'family', help: 'by default EIREL_FAMILY' },
    run: { type: 'string', placeholder: 'run', help: 'by default the next one, such as run-7' },
    snapshot: { type: 'string', placeholder: 'block', help: 'the facts are read there' },
    commit: { type: 'string', placeholder: 'block', help: 'no score counts from there on' },
    decide: { type: 'string', placeholder: 'block', help: 'reports are exchanged until there' },
    certify: { type: 'string', placeholder: 'block', help: 'a certificate stands by then' },
    sample: { type: 'string', placeholder: 'k', help: 'how many of the tasks count; else all' },
    'task-set': { type: 'string', placeholder: 'sha256', help: 'by default the newest one' },
    json: JSON_OPTION,
  },
  details:
    'The running `eirel owner` does it. Who takes part: the newest submission of each miner that is registered now.\n' +
    'Opening a run with the same phases and tasks again, while it is open, changes nothing.',
  settings: [...NATS_SETTINGS, 'EIREL_FAMILY'],
  run: async (input, io) => {
    const family = input.value('family') ?? loadConfig(io.env).EIREL_FAMILY;
    const block = (name: string): number => {
      const text = input.value(name);
      if (text === undefined)
        throw usage(ownerRunsOpenCommand, {
          field: `--${name}`,
          value: 'nothing',
          expected: 'a block',
        });
      return wholeNumber(ownerRunsOpenCommand, name, text, 0);
    };
    const sample = input.value('sample');
    const opening = {
      family,
      run: input.value('run') ?? null,
      phases: {
        snapshot: block('snapshot'),
        commit: block('commit'),
        decide: block('decide'),
        certify: block('certify'),
      },
      sample: sample === undefined ? null : wholeNumber(ownerRunsOpenCommand, 'sample', sample, 0),
      taskSet: input.value('task-set') ?? null,
    };
    return askOwner(input, io, 'runs.open', opening);
  },
};

export const ownerRunsEndCommand: Command = {
  name: 'owner runs end',
  summary: 'End a run now, before its commit block: its winner follows from the results so far.',
  arguments: ['run'],
  options: {
    family: { type: 'string', placeholder: 'family', help: 'by default EIREL_FAMILY' },
    json: JSON_OPTION,
  },
  details:
    'A run ends by itself when its commit block is final. Its archives and tasks are public from then on.',
  settings: [...NATS_SETTINGS, 'EIREL_FAMILY'],
  run: async (input, io) => {
    const family = input.value('family') ?? loadConfig(io.env).EIREL_FAMILY;
    return askOwner(input, io, 'runs.end', { family, run: input.arguments[0] ?? '' });
  },
};

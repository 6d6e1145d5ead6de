import { readFile } from 'node:fs/promises';
import { AppError } from '../errors.ts';
import { requestCommand } from '../runtime/commands.ts';
import { type Command, type Io, JSON_OPTION } from './command.ts';
import { connectOperator } from './connect-operator.ts';
import { EXIT } from './exit-codes.ts';
import { NATS_SETTINGS } from './nats-address.ts';

/** A run of 256 miners and 256 tasks with long names takes 50 kB. */
const MAX_RUN_FILE_BYTES = 262_144;

export const runsOpenCommand: Command = {
  name: 'runs open',
  summary: 'Open a run from a JSON file: family, run, roster, miners, tasks, phases.',
  arguments: ['file'],
  options: { json: JSON_OPTION },
  details:
    'The running validator does it. Example:\n  {"family":"general_chat","run":"run-7","roster":"<sha256 of the roster>","miners":["5…"],"tasks":["task-1"],\n   "phases":{"snapshot":1000,"commit":1010,"decide":1020,"certify":1030}}\nOpening the same run again changes nothing.',
  settings: NATS_SETTINGS,
  run: async (input, io) => {
    const text = await readText(input.arguments[0] ?? '');
    return command(io, 'runs.open', text, input.flag('json'));
  },
};

export const runsCloseCommand: Command = {
  name: 'runs close',
  summary: 'Close a run for scores: its report is signed, and sealed until the commit phase ends.',
  arguments: ['family', 'run'],
  options: { json: JSON_OPTION },
  details: 'A run that is still open when its commit phase ends is closed by itself.',
  settings: NATS_SETTINGS,
  run: async (input, io) => {
    const [family, run] = input.arguments;
    return command(io, 'runs.close', JSON.stringify({ family, run }), input.flag('json'));
  },
};

export const runsCompareCommand: Command = {
  name: 'runs compare',
  summary:
    'Ask the owner again for a run that was compared: its pool was re-armed. The first record stands.',
  arguments: ['family', 'run'],
  options: { json: JSON_OPTION },
  details:
    'In shadow mode. A pick that differs is recorded as repeated, and counted beside the figures of the gate.',
  settings: NATS_SETTINGS,
  run: async (input, io) => {
    const [family, run] = input.arguments;
    return command(io, 'runs.compare', JSON.stringify({ family, run }), input.flag('json'));
  },
};

async function command(io: Io, name: string, payload: string, json: boolean): Promise<number> {
  await using operator = await connectOperator(io);
  const result = await requestCommand(operator.nc, name, payload);
  io.out(json ? `${JSON.stringify(result)}\n` : `${describe(result)}\n`);
  return EXIT.ok;
}

function describe(result: unknown): string {
  const [key, value] = Object.entries(result ?? {})[0] ?? ['done', true];
  return value === true ? key : `nothing to do: it was ${key} before`;
}

async function readText(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new AppError('file.unreadable', { file: path, expected: 'a readable file' }, { cause });
  }
  if (text.length > MAX_RUN_FILE_BYTES)
    throw new AppError('file.unreadable', {
      file: path,
      value: `${text.length} characters`,
      expected: `at most ${MAX_RUN_FILE_BYTES}`,
    });
  return text;
}

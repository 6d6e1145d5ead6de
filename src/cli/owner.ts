import { readFile, stat } from 'node:fs/promises';
import { loadConfig } from '../config.ts';
import { AppError } from '../errors.ts';
import { MAX_TASK_SET_BYTES } from '../evaluation/task-set.ts';
import { sha256 } from '../events/hash.ts';
import { MAX_PART_BYTES } from '../handlers/owner/owner-commands.ts';
import { requestCommand } from '../runtime/commands.ts';
import { createLogger } from '../runtime/logger.ts';
import { type Command, type Input, type Io, JSON_OPTION, usage, wholeNumber } from './command.ts';
import { connectOperator } from './connect-operator.ts';
import { EXIT } from './exit-codes.ts';
import { runUntilStopped, SERVING_OPTIONS } from './long-running.ts';
import { NATS_SETTINGS } from './nats-address.ts';
import { startOwner } from './owner/start-owner.ts';
import { printable } from './printable.ts';

export const ownerCommand: Command = {
  name: 'owner',
  summary: "Run the subnet owner's service: submissions, task sets, signed rosters, runs, weights.",
  arguments: [],
  options: SERVING_OPTIONS,
  details:
    'The one writer of the log `owner`, in an account of its own, under the hotkey of the owner. It hosts no runtimes.\n' +
    'Validators are the hotkeys with a permit on the chain.',
  settings: [
    ...NATS_SETTINGS,
    'EIREL_OWNER_HOTKEY',
    'EIREL_OWNER_PUBLIC_URL',
    'EIREL_OWNER_MAX_ARCHIVE_BYTES',
    'EIREL_OWNER_SUBMISSIONS_PER_HOTKEY',
    'EIREL_OWNER_LEASE_SECONDS',
    'EIREL_FAMILY',
    'EIREL_FAMILY_SHARE',
    'EIREL_MARGIN',
    'EIREL_NETUID',
    'EIREL_CHAIN_ENDPOINTS',
    'EIREL_CHAIN_GENESIS',
    'EIREL_DATA_DIR',
    'EIREL_HTTP_HOST',
    'EIREL_HTTP_PORT',
    'EIREL_LOG_LEVEL',
    'and where the hotkey is, as for `eirel validator`',
  ],
  run: async (input, io) => {
    const config = loadConfig(io.env);
    const logger = createLogger(config.EIREL_LOG_LEVEL, 'owner');
    return runUntilStopped((signal) => startOwner(config, { logger, signal }), {
      input,
      io,
      tell: ({ url, hotkey, source }) => ({
        json: { url, hotkey, source },
        text: `serving the subnet as ${hotkey} at ${url}`,
      }),
    });
  },
};

export const ownerTaskSetPublishCommand: Command = {
  name: 'owner task-set publish',
  summary: 'Publish a set of tasks from a JSON file; its SHA-256 names it from then on.',
  arguments: ['file'],
  options: { json: JSON_OPTION },
  details: 'The running `eirel owner` does it. Publishing the same bytes again changes nothing.',
  settings: NATS_SETTINGS,
  run: async (input, io) => {
    const bytes = await readTaskSetFile(input.arguments[0] ?? '');
    await using operator = await connectOperator(io);
    const digest = sha256(bytes);
    let result: unknown;
    for (let offset = 0; offset < bytes.length; offset += MAX_PART_BYTES) {
      const base64 = bytes.subarray(offset, offset + MAX_PART_BYTES).toString('base64');
      const part = JSON.stringify({ sha256: digest, bytes: bytes.length, offset, base64 });
      result = await requestCommand(operator.nc, 'task-sets.publish', part, 'owner');
    }
    tell(input, io, result);
    return EXIT.ok;
  },
};

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
    return ask(input, io, 'runs.open', opening);
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
    return ask(input, io, 'runs.end', { family, run: input.arguments[0] ?? '' });
  },
};

/** As many as a subnet's miners submit in four generations. */
const DEFAULT_LIMIT = 1_000;

export const ownerSubmissionsListCommand: Command = {
  name: 'owner submissions list',
  summary: 'List what miners submitted, the newest first.',
  arguments: [],
  options: {
    limit: {
      type: 'string',
      placeholder: 'n',
      help: `at most so many, ${DEFAULT_LIMIT} by default`,
    },
    json: { ...JSON_OPTION, help: 'print one JSON document a line' },
  },
  settings: NATS_SETTINGS,
  run: async (input, io) => {
    const { value } = input;
    const limit = wholeNumber(ownerSubmissionsListCommand, 'limit', value('limit'), DEFAULT_LIMIT);
    await using operator = await connectOperator(io);
    const payload = JSON.stringify({ limit });
    const found = await requestCommand(operator.nc, 'submissions.list', payload, 'owner');
    for (const submission of Array.isArray(found) ? found : [])
      io.out(`${input.flag('json') ? JSON.stringify(submission) : line(submission)}\n`);
    return EXIT.ok;
  },
};

async function ask(input: Input, io: Io, command: string, payload: object): Promise<number> {
  await using operator = await connectOperator(io);
  tell(input, io, await requestCommand(operator.nc, command, JSON.stringify(payload), 'owner'));
  return EXIT.ok;
}

/** One JSON document, or its members in one line for people. */
function tell(input: Input, io: Io, result: unknown): void {
  io.out(`${input.flag('json') ? JSON.stringify(result) : line(result)}\n`);
}

function line(value: unknown): string {
  const members = Object.entries(value ?? {}).map(([name, member]) => `${name} ${String(member)}`);
  return printable(members.join(', '));
}

async function readTaskSetFile(path: string): Promise<Buffer> {
  try {
    const { size } = await stat(path);
    if (size > 0 && size <= MAX_TASK_SET_BYTES) return await readFile(path);
    const expected = `1 to ${MAX_TASK_SET_BYTES} bytes`;
    throw new AppError('file.unreadable', { file: path, value: `${size} bytes`, expected });
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError('file.unreadable', { file: path, expected: 'a readable file' }, { cause });
  }
}

import { parseArgs } from 'node:util';
import { AppError } from '../errors.ts';

/** Where a command writes, and what stops it. */
export type Io = Readonly<{
  env: Readonly<Record<string, string | undefined>>;
  /** The result, on standard output. */
  out: (text: string) => void;
  /** Progress and notes, on standard error. */
  note: (text: string) => void;
  /** Standard error is a terminal: progress may be drawn over itself. */
  interactive: boolean;
  signal: AbortSignal;
}>;

export type Option = Readonly<{
  type: 'boolean' | 'string';
  help: string;
  placeholder?: string;
  /** It may be given several times. */
  multiple?: boolean;
}>;

/** One command: what it is called, what it takes, and what it does. `run` gives the exit code. */
export type Command = Readonly<{
  /** One or two words: `tail`, `scores import`. */
  name: string;
  summary: string;
  /** Names of its arguments; those in square brackets may be left out. */
  arguments: readonly string[];
  options: Readonly<Record<string, Option>>;
  /** The settings that it reads, unless `details` lists them: `EIREL_NATS_URL`. */
  settings?: readonly string[];
  /** More for `--help`, below the options. */
  details?: string;
  run: (input: Input, io: Io) => Promise<number>;
}>;

export type Input = Readonly<{
  arguments: readonly string[];
  flag: (name: string) => boolean;
  value: (name: string) => string | undefined;
  /** All that an option was given, in order. */
  values: (name: string) => readonly string[];
}>;

/** Every command prints one JSON document, or one a line, with this. */
export const JSON_OPTION: Option = { type: 'boolean', help: 'print JSON instead of text' };

/** Reads a command's arguments strictly. Throws `usage.invalid` naming the argument and what was expected. */
export function readInput(command: Command, argv: readonly string[]): Input {
  const parsed = parse(command, argv);
  const required = command.arguments.filter((name) => !name.startsWith('['));
  const { positionals, values } = parsed;
  if (positionals.length < required.length) {
    throw usage(command, {
      field: required[positionals.length] ?? '',
      value: 'nothing',
      expected: 'an argument',
    });
  }
  if (positionals.length > command.arguments.length) {
    throw usage(command, {
      field: 'arguments',
      value: positionals[command.arguments.length] ?? '',
      expected: `at most ${command.arguments.length}`,
    });
  }
  return {
    arguments: positionals,
    flag: (name) => values[name] === true,
    value: (name) => {
      const value = values[name];
      return typeof value === 'string' ? value : undefined;
    },
    values: (name) => {
      const value = values[name];
      return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
    },
  };
}

function parse(command: Command, argv: readonly string[]) {
  const options = Object.fromEntries(
    Object.entries(command.options).map(([name, { type, multiple = false }]) => [
      name,
      { type, multiple },
    ]),
  );
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
  } catch (cause) {
    throw usage(command, {
      field: 'options',
      value: argv.join(' '),
      expected: (cause instanceof Error ? cause.message : String(cause)).replaceAll('\n', ' '),
    });
  }
}

/** A whole number from an option. Throws `usage.invalid`. */
export function wholeNumber(
  command: Command,
  name: string,
  text: string | undefined,
  fallback: number,
): number {
  if (text === undefined) return fallback;
  if (!/^(0|[1-9][0-9]{0,14})$/.test(text))
    throw usage(command, { field: `--${name}`, value: text, expected: 'a whole number from 0' });
  return Number(text);
}

/** A fault of the command line, with the command to look up. */
export function usage(
  command: Command,
  fault: { field: string; value: string; expected: string },
): AppError {
  return new AppError('usage.invalid', { ...fault, next: `eirel ${command.name} --help` });
}

/** The text of `eirel <command> --help`. */
export function helpOf(command: Command): string {
  const rows = Object.entries(command.options).map(([name, option]) => {
    const flag =
      option.type === 'string' ? `--${name} <${option.placeholder ?? 'value'}>` : `--${name}`;
    return [flag, option.help] as const;
  });
  const width = Math.max(0, ...rows.map(([flag]) => flag.length));
  const lines = [
    `eirel ${[command.name, ...command.arguments.map(placeholder), ...(rows.length > 0 ? ['[options]'] : [])].join(' ')}`,
    '',
    command.summary,
    ...(rows.length > 0
      ? ['', ...rows.map(([flag, help]) => `  ${flag.padEnd(width)}  ${help}`)]
      : []),
    ...(command.details === undefined ? [] : ['', command.details]),
    ...(command.settings === undefined ? [] : ['', `Settings: ${command.settings.join(', ')}.`]),
  ];
  return `${lines.join('\n')}\n`;
}

/** `<file>` has to be given, `[log]` may be left out. */
export function placeholder(name: string): string {
  return name.startsWith('[') ? name : `<${name}>`;
}

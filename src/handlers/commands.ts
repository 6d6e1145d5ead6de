import { z } from 'zod';
import { AppError } from '../errors.ts';
import { Family, RunId } from '../events/scalars.ts';
import { type ImportLine, MAX_IMPORT_LINES } from './import-scores.ts';
import type { Validator } from './validator.ts';

/** Commands of an operator to the running validator, by name; payloads are text, results are JSON. */
export type Commands = Readonly<Record<string, (payload: string) => Promise<unknown>>>;

/** What an operator can command: the process that writes the log does it, because a log has one writer. */
export function commandsOf(
  validator: Pick<Validator, 'openRun' | 'closeRun' | 'compareAgain' | 'importScores'>,
): Commands {
  return {
    'runs.open': async (payload) => validator.openRun(parseJson(payload)),
    'runs.close': async (payload) => {
      const { family, run } = parseRunName(payload);
      return validator.closeRun(family, run);
    },
    'runs.compare': async (payload) => {
      const { family, run } = parseRunName(payload);
      return validator.compareAgain(family, run);
    },
    'scores.import': async (payload) => validator.importScores(readImport(payload)),
  };
}

/** The payload of `scores.import`: the number of the first line, then the lines as they stand in the file. */
export function writeImport(first: number, lines: readonly string[]): string {
  return [String(first), ...lines].join('\n');
}

/** Reads it; blank lines keep their numbers and are left out. */
export function readImport(payload: string): readonly ImportLine[] {
  const [first = '', ...lines] = payload.split('\n');
  if (!/^[1-9][0-9]{0,14}$/.test(first) || lines.length > MAX_IMPORT_LINES) {
    throw new AppError('input.invalid', {
      field: 'import',
      value: `${first.slice(0, 20)}, ${lines.length} lines`,
      expected: `a line number, then at most ${MAX_IMPORT_LINES} lines`,
    });
  }
  return lines
    .map((text, index) => ({ number: Number(first) + index, text }))
    .filter(({ text }) => text.trim() !== '');
}

const RunName = z.strictObject({ family: Family, run: RunId });

function parseRunName(payload: string): z.infer<typeof RunName> {
  const parsed = RunName.safeParse(parseJson(payload));
  if (!parsed.success)
    throw new AppError('input.invalid', {
      field: 'run',
      value: payload.slice(0, 80),
      expected: z.prettifyError(parsed.error),
    });
  return parsed.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError(
      'input.invalid',
      { field: 'input', value: text.slice(0, 80), expected: 'JSON' },
      { cause },
    );
  }
}

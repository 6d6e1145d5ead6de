import { expect, test } from 'vitest';
import { commandsOf, readImport, writeImport } from '#src/handlers/commands.ts';
import { type ImportLine, MAX_IMPORT_LINES } from '#src/handlers/import-scores.ts';

/** Commands over a validator that only tells what it was asked to do. */
function commands() {
  const asked: unknown[] = [];
  const told =
    <T>(result: T) =>
    (...given: readonly unknown[]): Promise<T> => {
      asked.push(given);
      return Promise.resolve(result);
    };
  const report = {
    accepted: 0,
    repeated: 0,
    refused: [],
    scores: { scored: 0, failed: 0, excused: 0, repeated: 0 },
  };
  const all = commandsOf({
    openRun: told({ opened: true }),
    closeRun: told({ closed: true }),
    compareAgain: told({ repeated: true }),
    importScores: told(report),
  });
  const run = async (name: string, payload: string): Promise<unknown> => all[name]?.(payload);
  return { asked, run };
}

const NAME = '{"family":"general_chat","run":"run-7"}';

test('each command reaches the validator with what it names', async () => {
  const { asked, run } = commands();
  expect(await run('runs.open', '{"run":"run-7"}')).toEqual({ opened: true });
  expect(await run('runs.close', NAME)).toEqual({ closed: true });
  expect(await run('runs.compare', NAME)).toEqual({ repeated: true });
  await run('scores.import', '3\na\nb');
  expect(asked).toEqual([
    [{ run: 'run-7' }],
    ['general_chat', 'run-7'],
    ['general_chat', 'run-7'],
    [
      [
        { number: 3, text: 'a' },
        { number: 4, text: 'b' },
      ],
    ],
  ]);
});

test.for([
  { name: 'runs.open', payload: '{', field: 'input' },
  { name: 'runs.close', payload: '', field: 'input' },
  { name: 'runs.close', payload: '{"family":"general_chat"}', field: 'run' },
  { name: 'runs.close', payload: '{"family":"general_chat","run":"seven"}', field: 'run' },
  { name: 'runs.compare', payload: '{"family":"A","run":"run-7"}', field: 'run' },
  { name: 'scores.import', payload: 'a line', field: 'import' },
])('$name refuses $payload', async ({ name, payload, field }) => {
  const { asked, run } = commands();
  await expect(run(name, payload)).rejects.toMatchObject({
    code: 'input.invalid',
    details: { field },
  });
  expect(asked).toEqual([]);
});

test('blank lines are left out, and the others keep their numbers', () => {
  const lines: readonly ImportLine[] = [
    { number: 7, text: 'a' },
    { number: 9, text: ' b' },
  ];
  expect(readImport(writeImport(7, ['a', '', ' b', '  ']))).toEqual(lines);
  expect(readImport(writeImport(1, []))).toEqual([]);
});

test.for(['0', '-1', '01', '1.5', 'x', '', '9999999999999999'])(
  'a first line number of "%s" is none',
  (first) => {
    expect(() => readImport(`${first}\na`)).toThrow('a line number');
  },
);

test('an import has a most of lines', () => {
  const lines = Array.from({ length: MAX_IMPORT_LINES }, (_, index) => `line ${index}`);
  expect(readImport(writeImport(1, lines))).toHaveLength(MAX_IMPORT_LINES);
  expect(() => readImport(writeImport(1, [...lines, 'one more']))).toThrow('at most 200 lines');
});

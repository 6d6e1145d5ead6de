import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sha256 } from '#src/events/hash.ts';
import { ScoreRecorded } from '#src/events/score.ts';
import { MAX_RESULT_BYTES, readResult } from '#src/handlers/read-result.ts';
import { hotkeyOf } from '../consensus/fake-keys.ts';

const MINER = hotkeyOf('m1x');
const OTHER = hotkeyOf('m2x');

type Row = Readonly<Record<string, unknown>>;

function row(changes: Row = {}): Row {
  return { miner_hotkey: MINER, verdict: 'matches', final_task_score: 0.5, ...changes };
}

function line(rows: readonly unknown[] = [row()], changes: Row = {}): string {
  return JSON.stringify({
    run_id: 'run-7',
    family_id: 'general_chat',
    task_id: 'task-1',
    miner_results: rows,
    ...changes,
  });
}

function eventsOf(text: string) {
  const result = readResult(text);
  if (result.kind === 'refused') throw new Error(result.reason);
  for (const { data } of result.events) ScoreRecorded.data.parse(data);
  return result.events;
}

function refusalOf(text: string): string {
  const result = readResult(text);
  return result.kind === 'refused' ? result.reason : `taken: ${JSON.stringify(result.events)}`;
}

test('a line gives one event for each miner, with the line as its evidence', () => {
  const text = line([row(), row({ miner_hotkey: OTHER, final_task_score: 0.25 })], { extra: 1 });
  const common = { family: 'general_chat', run: 'run-7', task: 'task-1', evidence: sha256(text) };
  expect(eventsOf(text)).toEqual([
    {
      type: 'score.recorded.v1',
      data: { ...common, miner: MINER, status: 'scored', score: 500_000_000, basis: 'final' },
    },
    {
      type: 'score.recorded.v1',
      data: { ...common, miner: OTHER, status: 'scored', score: 250_000_000, basis: 'final' },
    },
  ]);
});

const SCORED = { status: 'scored', score: 500_000_000, basis: 'final' };
const AGREED = { status: 'scored', score: 750_000_000, basis: 'agreement' };
const FAILED = { status: 'failed', score: 0, basis: 'none' };
const EXCUSED = { status: 'excused', score: null, basis: 'none' };

test.for<readonly [string, Row, object]>([
  ['the final score', {}, SCORED],
  ['the final score before agreement', { agreement_score: 0.75 }, SCORED],
  [
    'agreement where the final score is null',
    { final_task_score: null, agreement_score: 0.75 },
    AGREED,
  ],
  [
    'agreement where the final score is absent',
    { final_task_score: undefined, agreement_score: 0.75 },
    AGREED,
  ],
  [
    'a final score of 0, which is no absence',
    { final_task_score: 0, agreement_score: 0.75 },
    { ...SCORED, score: 0 },
  ],
  ['no figure at all', { final_task_score: null, agreement_score: null }, EXCUSED],
  ['a verdict without figures', { verdict: 'not_applicable', final_task_score: null }, EXCUSED],
  ['a contradiction with a figure', { verdict: 'contradicts' }, SCORED],
  ['a partial match', { verdict: 'partially_matches' }, SCORED],
  [
    'a broken time limit, whatever figures it has',
    { verdict: 'latency_violation', agreement_score: 1 },
    FAILED,
  ],
  ['an error without an answer or a judge', { verdict: 'error' }, FAILED],
  [
    'an error on a run that failed',
    { verdict: 'error', miner_response: { status: 'failed' } },
    FAILED,
  ],
  ['an error with no status', { verdict: 'error', miner_response: {} }, FAILED],
  ['an error with nulls', { verdict: 'error', judge_output: null, miner_response: null }, FAILED],
  [
    'an error of the judge on a completed run',
    { verdict: 'error', miner_response: { status: 'completed' } },
    EXCUSED,
  ],
  ['an error after the judge spoke', { verdict: 'error', judge_output: {} }, EXCUSED],
])('judged by %s', ([, changes, expected]) => {
  expect(eventsOf(line([row(changes)]))[0]?.data).toMatchObject(expected);
});

test.for([
  { double: 0, nano: 0 },
  { double: 1, nano: 1_000_000_000 },
  { double: 0.1, nano: 100_000_000 },
  { double: 0.65, nano: 650_000_000 },
  { double: 1 / 3, nano: 333_333_333 },
  { double: 2 / 3, nano: 666_666_667 },
  // Exactly halfway: to the even neighbour. 2^-10 is 976562.5 units, 3·2^-10 is 2929687.5.
  { double: 2 ** -10, nano: 976_562 },
  { double: 3 * 2 ** -10, nano: 2_929_688 },
  { double: 5e-10, nano: 1 },
  { double: 4.9e-10, nano: 0 },
  { double: Number.MIN_VALUE, nano: 0 },
  { double: 1 - 2 ** -53, nano: 1_000_000_000 },
])('$double is $nano units', ({ double, nano }) => {
  expect(eventsOf(line([row({ final_task_score: double })]))[0]?.data.score).toBe(nano);
});

/** The field as it stands in the line, written by hand where JSON.stringify would not write it. */
function withFigure(figure: string): string {
  return line().replace('"final_task_score":0.5', `"final_task_score":${figure}`);
}

test.for<readonly [string, string, string]>([
  ['NaN', withFigure('NaN'), 'not JSON'],
  ['Infinity', withFigure('Infinity'), 'not JSON'],
  ['1e999', withFigure('1e999'), 'miner_results.0.final_task_score'],
  ['-1', withFigure('-1'), 'miner_results.0.final_task_score'],
  ['-0.0', withFigure('-0.0'), 'miner_results.0.final_task_score'],
  ['1.0000001', withFigure('1.0000001'), 'miner_results.0.final_task_score'],
  ['text', withFigure('"0.5"'), 'miner_results.0.final_task_score'],
  [
    'an agreement above 1',
    line([row({ agreement_score: 1.5 })]),
    'miner_results.0.agreement_score',
  ],
  [
    'an agreement of -0',
    line([row()]).replace('0.5', '0.5,"agreement_score":-0.0'),
    'miner_results.0.agreement_score',
  ],
  ['an unknown verdict', line([row({ verdict: 'won' })]), 'miner_results.0.verdict'],
  ['no verdict', line([row({ verdict: undefined })]), 'miner_results.0.verdict'],
  [
    'a hotkey that is none',
    line([row(), row({ miner_hotkey: 'x' })]),
    'miner_results.1.miner_hotkey',
  ],
  ['a judge that is text', line([row({ judge_output: 'fine' })]), 'miner_results.0.judge_output'],
  [
    'a status that is a number',
    line([row({ miner_response: { status: 1 } })]),
    'miner_results.0.miner_response.status',
  ],
  ['no results', line([]), 'miner_results'],
  ['results that are none', line([7]), 'miner_results.0'],
  [
    '257 results',
    line(Array.from({ length: 257 }, (_, index) => row({ miner_hotkey: hotkeyOf(`m${index}x`) }))),
    'miner_results',
  ],
  ['a run that is none', line([row()], { run_id: 'run-07' }), 'run_id'],
  ['no run', line([row()], { run_id: undefined }), 'run_id'],
  ['a family that is none', line([row()], { family_id: 'General' }), 'family_id'],
  ['a task that is none', line([row()], { task_id: 'a/b' }), 'task_id'],
  ['a miner twice', line([row(), row()]), `miner_results names ${MINER} twice`],
  ['a list', '[]', 'line: '],
  ['null', 'null', 'line: '],
  ['text', 'run-7', 'not JSON'],
  ['half a line', line().slice(0, -9), 'not JSON'],
  ['nothing', '', 'not JSON'],
])('a line with %s is refused, and the field named', ([, text, reason]) => {
  expect(refusalOf(text).slice(0, reason.length)).toBe(reason);
});

test('a refusal tells the value that was found', () => {
  expect(refusalOf(line([row({ final_task_score: 7 })]))).toContain('got 7');
  expect(refusalOf(line([row({ verdict: undefined })]))).toContain('got nothing');
});

test('the size of a line is limited in bytes', () => {
  const size = (text: string) => Buffer.byteLength(text);
  const padded = (bytes: number) => {
    const bare = line([row()], { answer: '' });
    return bare.replace('"answer":""', `"answer":"${'ä'.repeat((bytes - size(bare)) / 2)}"`);
  };
  const even = MAX_RESULT_BYTES - ((MAX_RESULT_BYTES - size(line([row()], { answer: '' }))) % 2);
  expect(eventsOf(padded(even))).toHaveLength(1);
  expect(refusalOf(padded(even + 2))).toBe(`longer than ${MAX_RESULT_BYTES} bytes`);
});

test('whatever a line holds, it is read or refused, never thrown at', () => {
  const anything = fc.oneof(
    fc.string(),
    fc.json(),
    fc
      .record({
        run_id: fc.constantFrom('run-7', 7, null),
        family_id: fc.constant('general_chat'),
        task_id: fc.constantFrom('task-1', ''),
        miner_results: fc.array(
          fc.record({
            miner_hotkey: fc.constantFrom(MINER, OTHER, ''),
            verdict: fc.constantFrom('matches', 'error', 'latency_violation', 'won'),
            final_task_score: fc.oneof(fc.double(), fc.constantFrom(null, 0, 1, 0.5)),
            judge_output: fc.jsonValue(),
          }),
        ),
      })
      .map((value) => JSON.stringify(value)),
  );
  fc.assert(
    fc.property(anything, (text) => {
      const result = readResult(text);
      if (result.kind === 'ok') eventsOf(text);
      else expect(result.reason.length).toBeGreaterThan(0);
    }),
    { numRuns: 300 },
  );
});

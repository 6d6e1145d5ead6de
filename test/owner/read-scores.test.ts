import { expect, test } from 'vitest';
import { readScores } from '#src/handlers/owner/take-result.ts';
import { hotkey } from '../support/recorded-events.ts';

const [x, y] = [hotkey('x'), hotkey('y')];
const members = new Set([x, y]);
const row = (more: object = {}) => ({
  miner_hotkey: x,
  verdict: 'matches',
  final_task_score: 0.5,
  ...more,
});
const read = (body: object | string) =>
  readScores(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), members);
const scoreOf = (more: object) => read({ miner_results: [row(more)] }).scores[0]?.score;

test('a result is read as exact integers, whatever else it says', () => {
  const body = {
    baseline_response: { response_text: 'x', citations: [] },
    miner_results: [
      row({ final_task_score: 0.1, miner_citations: [] }),
      row({ miner_hotkey: y, final_task_score: null, agreement_score: 1 }),
    ],
    validator_hotkey: 'somebody else',
    judge_model: 'a judge',
    oracle_cost_usd: 0.0012,
  };
  expect(read(body)).toEqual({
    scores: [
      { miner: x, score: 100_000_000 },
      { miner: y, score: 1_000_000_000 },
    ],
    oracleCost: 1_200_000,
  });
});

test('what the validator failed at has no score, what the miner failed at has zero', () => {
  const error = { verdict: 'error', final_task_score: null };
  expect(scoreOf({ ...error, miner_response: { status: 'completed' } })).toBeNull();
  expect(scoreOf({ ...error, miner_response: { status: 'failed' } })).toBe(0);
  expect(scoreOf({ verdict: 'latency_violation', final_task_score: 0.9 })).toBe(0);
  expect(scoreOf({ final_task_score: null })).toBeNull();
});

test.each<[string, object | string]>([
  ['no JSON', 'x'],
  ['no object', '[]'],
  [
    'NaN as Python writes it',
    `{"miner_results":[{"miner_hotkey":"${x}","verdict":"matches","final_task_score":NaN}]}`,
  ],
  [
    'infinity',
    `{"miner_results":[{"miner_hotkey":"${x}","verdict":"matches","final_task_score":1e999}]}`,
  ],
  ['a score above 1', { miner_results: [row({ final_task_score: 1.000001 })] }],
  ['a score below 0', { miner_results: [row({ final_task_score: -0.1 })] }],
  ['a score that is text', { miner_results: [row({ final_task_score: '0.5' })] }],
  ['an unknown verdict', { miner_results: [row({ verdict: 'great' })] }],
  ['a miner that is not in the run', { miner_results: [row({ miner_hotkey: hotkey('z') })] }],
  ['a miner twice', { miner_results: [row(), row()] }],
  ['no miner’s results', {}],
  ['a cost below zero', { miner_results: [row()], oracle_cost_usd: -1 }],
])('a result with %s is refused, and nothing of it is taken', (_name, body) => {
  expect(() => read(body)).toThrow(expect.objectContaining({ code: 'request.invalid' }));
});

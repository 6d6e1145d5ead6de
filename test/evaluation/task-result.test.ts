import { expect, test } from 'vitest';
import type { Reference } from '#src/evaluation/reference.ts';
import { type ResultRow, taskResult } from '#src/evaluation/task-result.ts';
import { readScores } from '#src/handlers/owner/take-result.ts';
import { ResultRequest } from '../owner/wire.ts';
import { hotkey } from '../support/recorded-events.ts';

const MINER = hotkey('m');
const REFERENCE: Reference = {
  v: 'eirel/reference/1',
  task: 't-1',
  status: 'majority',
  expectedClaims: ['Paris'],
  mustNotClaim: ['Lyon'],
  text: 'It is Paris.',
  source: 'openai',
  note: 'one of three differs',
  answers: [],
};
const JUDGED: ResultRow = {
  miner: MINER,
  outcome: 'completed',
  latencyMs: 1_250,
  cost: 60_000,
  detail: '',
  judged: { outcome: 'correct', composite: 950_000_000, knockout: null, judge: 'local' },
};
const FAILED: ResultRow = { ...JUDGED, outcome: 'failed', judged: null, detail: 'status 500' };

test('a result has the reference, and what the oracles really cost', () => {
  expect(taskResult(REFERENCE, [], 12_500_000)).toEqual({
    baseline_response: {
      response_text: 'It is Paris.',
      citations: [],
      cost_usd: 0.0125,
      latency_seconds: 0,
      source_vendor: 'openai',
      _reconciled: {
        expected_claims: ['Paris'],
        must_not_claim: ['Lyon'],
        oracle_status: 'majority',
        disagreement_note: 'one of three differs',
      },
    },
    miner_results: [],
    oracle_cost_usd: 0.0125,
  });
});

test.for([
  { cost: 0, told: { oracle_cost_usd: 0 } },
  { cost: null, told: {} },
])(
  'a cost of $cost is told as $told: one that is unknown is not said to be nothing',
  ({ cost, told }) => {
    expect(taskResult(null, [], cost)).toEqual({
      baseline_response: null,
      miner_results: [],
      ...told,
    });
  },
);

test('a reference without a text is no answer to be compared with', () => {
  expect(taskResult({ ...REFERENCE, text: '' }, [], 0)).toMatchObject({ baseline_response: null });
});

test.for<[string, ResultRow, object]>([
  [
    'that was judged',
    JUDGED,
    {
      verdict: 'partially_matches',
      agreement_score: 0.95,
      final_task_score: 0.95,
      eval_outcome: 'correct',
      miner_latency_seconds: 1.25,
      proxy_cost_usd: 0.00006,
      miner_response: { status: 'completed' },
    },
  ],
  [
    'that is right',
    { ...JUDGED, judged: { ...verdict(), composite: 1_000_000_000 } },
    { verdict: 'matches', final_task_score: 1 },
  ],
  [
    'that was knocked out',
    { ...JUDGED, judged: { ...verdict(), composite: 0, knockout: 'outcome=hallucinated' } },
    {
      verdict: 'contradicts',
      final_task_score: 0,
      judge_output: { metadata: { composite_knockout_reason: 'outcome=hallucinated' } },
    },
  ],
  ['whose cost is unknown', { ...JUDGED, cost: null }, { proxy_cost_usd: null }],
  [
    'that failed',
    FAILED,
    {
      verdict: 'error',
      final_task_score: 0,
      judge_output: null,
      miner_response: { status: 'failed', error: 'status 500' },
    },
  ],
  ['that was too late', { ...FAILED, outcome: 'too-late' }, { verdict: 'latency_violation' }],
])('the row of a miner %s', ([, row, expected]) => {
  expect(ResultRequest.parse(taskResult(null, [row], 0))).toMatchObject({
    miner_results: [{ miner_hotkey: MINER, ...expected }],
  });
});

test('the owner reads back the scores and the cost that were sent', () => {
  const other = { ...FAILED, miner: hotkey('n') };
  const sent = ResultRequest.parse(taskResult(REFERENCE, [JUDGED, other], 12_500_001));
  const body = Buffer.from(JSON.stringify(sent));
  expect(readScores(body, new Set([MINER, other.miner]))).toEqual({
    scores: [
      { miner: MINER, score: 950_000_000 },
      { miner: other.miner, score: 0 },
    ],
    oracleCost: 12_500_001,
  });
});

function verdict() {
  return { outcome: 'correct', composite: 1, knockout: null, judge: 'local' } as const;
}

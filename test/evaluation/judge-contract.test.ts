import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type JudgeCall,
  type JudgeQuestion,
  judgeCalls,
  slotOf,
  verdictOf,
} from '#src/evaluation/judge-contract.ts';

const ASKED: JudgeQuestion = {
  question: 'Which city?',
  conversation: [{ role: 'user', content: 'Hello' }],
  attached: 'a document',
  answer: 'Paris',
  citations: [{ url: 'https://a.example', title: 'A' }],
  expectedClaims: ['It is Paris', 'It is in France'],
  mustNotClaim: ['Lyon', 'Nice'],
  requiredTool: 'web_search',
  reference: 'Paris, in France',
  slot: 'B',
  deterministic: false,
};
const MULTI = { grounded_correctness: { score: 0.9 }, instruction_safety: { score: 1 } };
const EVAL = { outcome: 'correct', failure_mode: null, guidance: 'good' };

/** The body of a question's call, as JSON. */
function bodyOf(asked: JudgeQuestion, path: JudgeCall['path']): unknown {
  return judgeCalls(asked).find((call) => call.path === path)?.body;
}

test('a question is a comparison, the metrics and the outcome, in the existing service’s fields', () => {
  expect(judgeCalls(ASKED).map(({ path }) => path)).toEqual([
    '/v1/judge/pairwise',
    '/v1/judge/multi',
    '/v1/judge/eval',
  ]);
  expect(bodyOf(ASKED, '/v1/judge/pairwise')).toMatchObject({
    bundle: { question: 'Which city?', answers: ['Paris, in France', 'Paris'] },
    expected_answer: 'It is Paris\nIt is in France',
  });
  expect(bodyOf(ASKED, '/v1/judge/multi')).toMatchObject({
    bundle: { answers: ['Paris'], constraints: 'Lyon; Nice' },
    candidate_citations: ASKED.citations,
    applicable_metrics: ['grounded_correctness', 'instruction_safety'],
  });
  expect(bodyOf(ASKED, '/v1/judge/eval')).toMatchObject({
    bundle: { answers: ['Paris'], attached_full: 'a document' },
    must_not_claim: ['Lyon', 'Nice'],
    required_tool: 'web_search',
    oracle_source: 'three_oracle',
  });
});

test('without a reference nothing is compared, and without claims no grounding is asked for', () => {
  const asked = { ...ASKED, reference: null, expectedClaims: [], requiredTool: null };
  expect(judgeCalls(asked)).toHaveLength(2);
  expect(bodyOf(asked, '/v1/judge/multi')).toMatchObject({
    applicable_metrics: ['instruction_safety'],
  });
  const body = bodyOf(asked, '/v1/judge/eval');
  expect(body).toMatchObject({ expected_answer: '(no expected answer)' });
  expect(body).not.toHaveProperty('required_tool');
});

test('no answer can end the fence that the judge puts around it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('<', '<<<', '>>>', 'CANDIDATE_RESPONSE_END', ' ', 'x')),
      (parts) => {
        const told = JSON.stringify(judgeCalls({ ...ASKED, answer: parts.join('') }));
        expect(told).not.toMatch(/<<<|>>>/);
      },
    ),
  );
});

test('the preference is the miner’s, in whichever slot it stands', () => {
  const preferenceOf = (slot: 'A' | 'B', winner: string) => {
    const read = verdictOf({ ...ASKED, slot }, [{ winner }, MULTI, EVAL]);
    return read.kind === 'ok' ? read.verdict.preference : read.detail;
  };
  expect(preferenceOf('A', 'A')).toBe(1_000_000_000);
  expect(preferenceOf('B', 'A')).toBe(0);
  expect(preferenceOf('B', 'B')).toBe(1_000_000_000);
  expect(preferenceOf('A', 'tie')).toBe(500_000_000);
});

test.for([
  ['correct', 'correct', null],
  ['Partial', 'partial', null],
  ['incomplete', 'partial', 'incomplete'],
  ['over_refusal', 'refused', 'over_refusal'],
  ['hallucinated_claim', 'hallucinated', 'hallucinated_claim'],
  ['missing_grounding', 'wrong', 'missing_grounding'],
  ['irrelevant', 'wrong', 'off_topic'],
  ['missing', 'partial', 'incomplete'],
  ['disputed', 'disputed', null],
  ['whatever', 'wrong', null],
] as const)('a judge that says %s means %s', ([said, outcome, failureMode]) => {
  const read = verdictOf(ASKED, [{ winner: 'tie' }, MULTI, { outcome: said }]);
  expect(read).toMatchObject({ kind: 'ok', verdict: { outcome, failureMode, guidance: '' } });
});

test('what is certain is not disputed, and a mode that the judge names stands', () => {
  const said = { outcome: 'disputed', failure_mode: 'wrong_fact', guidance: 'x'.repeat(500) };
  const read = verdictOf({ ...ASKED, deterministic: true }, [{ winner: 'A' }, MULTI, said]);
  expect(read).toMatchObject({
    kind: 'ok',
    verdict: { outcome: 'wrong', failureMode: 'wrong_fact', guidance: 'x'.repeat(400) },
  });
});

test.for<readonly [string, readonly unknown[]]>([
  ['no winner', [{ winner: 'C' }, MULTI, EVAL]],
  ['a missing metric', [{ winner: 'A' }, { instruction_safety: { score: 1 } }, EVAL]],
  ['a metric above 1', [{ winner: 'A' }, { ...MULTI, instruction_safety: { score: 2 } }, EVAL]],
  ['no outcome', [{ winner: 'A' }, MULTI, {}]],
  ['something else', ['x', null, 7]],
  ['nothing', []],
])('%s is no verdict', ([, answers]) => {
  expect(verdictOf(ASKED, answers)).toMatchObject({ kind: 'unusable' });
});

test('whatever comes back is a verdict or the reason that it is none', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue(), { maxLength: 4 }), (answers) => {
      const read = verdictOf(ASKED, answers);
      expect(read.kind === 'ok' || read.detail.length <= 400).toBe(true);
    }),
  );
});

test('slots follow from the pair, and each takes about half of them', () => {
  const of = (miner: string) => slotOf({ family: 'f', run: 'run-1', task: 't', miner });
  expect(of('m')).toBe(of('m'));
  const inA = Array.from({ length: 400 }, (_, index) => of(`m${index}`)).filter((s) => s === 'A');
  expect(inA.length).toBeGreaterThan(150);
  expect(inA.length).toBeLessThan(250);
});

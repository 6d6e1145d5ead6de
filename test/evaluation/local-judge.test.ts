import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { JudgeQuestion } from '#src/evaluation/judge-contract.ts';
import { localVerdict } from '#src/evaluation/local-judge.ts';

const ASKED: JudgeQuestion = {
  question: 'Which city?',
  conversation: [],
  attached: null,
  answer: '',
  citations: [],
  expectedClaims: ['Paris', 'Seine'],
  mustNotClaim: ['Lyon'],
  requiredTool: null,
  reference: null,
  slot: 'A',
  deterministic: true,
};

test.for([
  ['It is Paris, on the Seine.', 'correct'],
  ['It is Paris.', 'partial'],
  ['It is Rome.', 'wrong'],
  ['It is Lyon, not Paris on the Seine.', 'hallucinated'],
  ['I cannot help with that.', 'refused'],
  ['', 'refused'],
] as const)('the answer "%s" is %s', ([answer, outcome]) => {
  expect(localVerdict({ ...ASKED, answer }).outcome).toBe(outcome);
});

test('without an expectation that is certain an answer is disputed, and nothing is grounded', () => {
  const asked = { ...ASKED, answer: 'Rome', expectedClaims: [], deterministic: false };
  expect(localVerdict(asked)).toMatchObject({ outcome: 'disputed', groundedCorrectness: null });
});

test('the better of answer and reference is preferred, and neither of two alike', () => {
  const preferenceOf = (answer: string, reference: string | null) =>
    localVerdict({ ...ASKED, answer, reference }).preference;
  expect(preferenceOf('Paris, Seine', 'Rome')).toBe(1_000_000_000);
  expect(preferenceOf('Rome', 'Paris, Seine')).toBe(0);
  expect(preferenceOf('Paris, Seine', 'The Seine in Paris')).toBe(500_000_000);
  expect(preferenceOf('Paris', null)).toBeNull();
});

test('the same answer always gets the same verdict, with figures from 0 to 1', () => {
  fc.assert(
    fc.property(fc.string(), fc.option(fc.string()), (answer, reference) => {
      const asked = { ...ASKED, answer, reference };
      const verdict = localVerdict(asked);
      expect(localVerdict(asked)).toEqual(verdict);
      const { preference, groundedCorrectness, instructionSafety } = verdict;
      for (const figure of [preference, groundedCorrectness, instructionSafety])
        expect(figure === null || (figure >= 0 && figure <= 1_000_000_000)).toBe(true);
    }),
  );
});

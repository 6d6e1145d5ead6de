import { NANO } from '../consensus/nano.ts';
import { forbiddenClaim, mentions } from './claims.ts';
import type { Outcome } from './composite-score.ts';
import type { JudgeQuestion, Verdict } from './judge-contract.ts';

const REFUSAL =
  /\b(?:i\s+(?:can\s?not|can['’]t|won['’]t|am\s+unable\s+to|am\s+not\s+able\s+to)|i['’]m\s+(?:unable|not\s+able)\s+to|as\s+an?\s+ai\b)/i;

const GROUNDED: Readonly<Record<Outcome, number>> = {
  correct: NANO,
  partial: 700_000_000,
  disputed: 700_000_000,
  wrong: 0,
  hallucinated: 0,
  refused: 0,
};

/**
 * A judge for development that needs no model: an answer is correct when it holds every expected claim, partial when it
 * holds some, and the same answer always gets the same verdict.
 */
export function localVerdict(asked: JudgeQuestion): Verdict {
  const outcome = outcomeOf(asked);
  const grounded = asked.expectedClaims.length === 0 ? null : GROUNDED[outcome];
  return {
    outcome,
    failureMode: null,
    guidance: '',
    preference: asked.reference === null ? null : preferenceOf(outcome, asked),
    groundedCorrectness: grounded,
    instructionSafety: NANO,
  };
}

function outcomeOf({
  answer,
  expectedClaims,
  mustNotClaim,
  deterministic,
}: Pick<JudgeQuestion, 'answer' | 'expectedClaims' | 'mustNotClaim' | 'deterministic'>): Outcome {
  if (forbiddenClaim(answer, mustNotClaim) !== null) return 'hallucinated';
  const held = expectedClaims.filter((claim) => mentions(answer, claim)).length;
  if (held > 0) return held === expectedClaims.length ? 'correct' : 'partial';
  if (answer.trim() === '' || REFUSAL.test(answer)) return 'refused';
  return expectedClaims.length === 0 && !deterministic ? 'disputed' : 'wrong';
}

function preferenceOf(outcome: Outcome, asked: JudgeQuestion): number {
  const other = outcomeOf({ ...asked, answer: asked.reference ?? '' });
  if (GROUNDED[outcome] === GROUNDED[other]) return NANO / 2;
  return GROUNDED[outcome] > GROUNDED[other] ? NANO : 0;
}

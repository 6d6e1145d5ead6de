import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NANO } from '#src/consensus/nano.ts';
import {
  type CompositeFacts,
  compositeScore,
  type Outcome,
} from '#src/evaluation/composite-score.ts';
import vectors from '../vectors/composite-score.json' with { type: 'json' };

const GOOD: CompositeFacts = {
  outcome: 'correct',
  response: 'The capital is Paris.',
  mustNotClaim: [],
  requiredTool: null,
  tools: [],
  turnMs: 1_000,
  turnBudgetMs: null,
  cost: 60_000,
  costFloor: 0,
  groundedCorrectness: null,
  instructionSafety: null,
  preference: null,
};

describe('the composite score', () => {
  test.each([...vectors.known, ...vectors.more])('$name', ({ facts, expected, ...rest }) => {
    // safe: the vectors hold facts of this form
    const result = compositeScore({ ...GOOD, ...(facts as Partial<CompositeFacts>) });
    expect(result).toMatchObject({
      kind: 'scored',
      composite: expected,
      knockout: 'knockout' in rest ? rest.knockout : null,
    });
  });

  test('a required tool of which the ledger did not say is unknown, not missing', () => {
    const facts = { ...GOOD, requiredTool: 'web_search', tools: null };
    expect(compositeScore(facts)).toEqual({ kind: 'unknown', missing: 'tools' });
    expect(compositeScore({ ...facts, requiredTool: null })).toMatchObject({ composite: NANO });
  });

  test('a cost that is unknown by our doing leaves an answer that would count without a score', () => {
    const facts = { ...GOOD, cost: null, costFloor: 50_000 };
    expect(compositeScore(facts)).toEqual({ kind: 'unknown', missing: 'cost' });
    expect(compositeScore({ ...facts, costFloor: 0 })).toMatchObject({ composite: NANO });
  });

  test('no cost that is unknown is worth more than one that is known, nor than no evidence at all', () => {
    fc.assert(
      fc.property(anyFacts, fc.nat(1_000_000), (facts, cost) => {
        const known = compositeScore({ ...facts, cost });
        const worth = (result: typeof known): number =>
          result.kind === 'scored' ? result.composite : 0;
        expect(worth(compositeScore({ ...facts, cost: 'hidden' }))).toBeLessThanOrEqual(
          worth(known),
        );
        expect(worth(compositeScore({ ...facts, cost: null }))).toBeLessThanOrEqual(worth(known));
      }),
    );
  });

  test('it is a score whatever the facts, and of a wrong answer it is 0', () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const result = compositeScore(facts);
        if (result.kind === 'unknown') return;
        expect(Number.isSafeInteger(result.composite)).toBe(true);
        expect(result.composite).toBeGreaterThanOrEqual(0);
        expect(result.composite).toBeLessThanOrEqual(NANO);
        if (
          ['wrong', 'hallucinated', 'refused'].includes(facts.outcome) ||
          result.knockout !== null
        )
          expect(result.composite).toBe(0);
      }),
    );
  });

  test('prices move nothing: without a floor any cost gives the same', () => {
    fc.assert(
      fc.property(anyFacts, anyCost, (facts, cost) => {
        const free = { ...facts, costFloor: 0 };
        expect(compositeScore({ ...free, cost })).toEqual(compositeScore(free));
      }),
    );
  });

  test('a slower turn is never worth more', () => {
    fc.assert(
      fc.property(anyFacts, fc.nat(400_000), fc.nat(400_000), (facts, one, other) => {
        const at = (turnMs: number) => compositeScore({ ...facts, tools: [], turnMs });
        const [fast, slow] = [at(Math.min(one, other)), at(Math.max(one, other))];
        if (fast.kind === 'scored' && slow.kind === 'scored')
          expect(slow.composite).toBeLessThanOrEqual(fast.composite);
      }),
    );
  });
});

const share = fc.option(fc.integer({ min: 0, max: NANO }));
const anyCost = fc.oneof(fc.nat(1_000_000), fc.constantFrom('hidden' as const, null));
const anyFacts: fc.Arbitrary<CompositeFacts> = fc.record({
  outcome: fc.constantFrom<Outcome>(
    'correct',
    'partial',
    'wrong',
    'hallucinated',
    'refused',
    'disputed',
  ),
  response: fc.string(),
  mustNotClaim: fc.array(fc.string(), { maxLength: 3 }),
  requiredTool: fc.option(fc.constantFrom('web_search', 'sandbox_python')),
  tools: fc.option(fc.subarray(['web_search', 'sandbox'])),
  turnMs: fc.nat(700_000),
  turnBudgetMs: fc.option(fc.constantFrom(120_000, 600_000)),
  cost: anyCost,
  costFloor: fc.constantFrom(0, 50_000),
  groundedCorrectness: share,
  instructionSafety: share,
  preference: share,
});

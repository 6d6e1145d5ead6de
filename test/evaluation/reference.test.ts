import { describe, expect, test } from 'vitest';
import type { OracleAnswer, Reconciled } from '#src/evaluation/reconciler.ts';
import { canBeJudged, referenceOf } from '#src/evaluation/reference.ts';
import { Task } from '#src/evaluation/task-set.ts';

const NOBODY = { answers: [], reconciled: null };

function task(source: string | null, expected: object = { answer: 'Paris' }) {
  return Task.parse({
    task_id: 't-1',
    family_id: 'general_chat',
    prompt: 'Which town?',
    category: 'live_lookup',
    expected_output: expected,
    oracle_source: source,
  });
}

function answerOf(vendor: OracleAnswer['vendor'], answer: string): OracleAnswer {
  return { vendor, answer, citations: [], cost: 1 };
}

function reconciled(changes: Partial<Reconciled> = {}): Reconciled {
  return {
    consensus_claims: ['Lyon'],
    majority_claims: [],
    minority_claims: [],
    must_not_claim_extras: [],
    oracle_status: 'consensus',
    ...changes,
  };
}

describe('the reference of a task', () => {
  test.for(['deterministic', null, 'planted_fact'])(
    'of source %s is the expected answer of the task set',
    (source) => {
      expect(referenceOf(task(source), NOBODY, 'openai')).toMatchObject({
        status: 'deterministic',
        expectedClaims: ['Paris'],
        text: 'Paris',
        source: 'expected_claim',
      });
    },
  );

  test("of the oracles is never the owner's own answer", () => {
    expect(referenceOf(task('three_oracle'), NOBODY, 'openai')).toBeNull();
    const found = referenceOf(
      task('three_oracle'),
      { answers: [answerOf('openai', 'Lyon!')], reconciled: reconciled() },
      'openai',
    );
    expect(found).toMatchObject({ expectedClaims: ['Lyon'], text: 'Lyon!', status: 'consensus' });
    expect(JSON.stringify(found)).not.toContain('Paris');
  });

  test('is disputed where the oracles agree on nothing, whatever the owner expects', () => {
    const layer = {
      answers: [answerOf('grok', 'Nice')],
      reconciled: reconciled({ oracle_status: 'disputed' }),
    };
    expect(referenceOf(task('three_oracle'), layer, 'openai')).toMatchObject({
      status: 'disputed',
      expectedClaims: [],
      text: 'Nice',
      source: 'grok_fallback',
    });
  });

  test('is none where a task set expects nothing', () => {
    expect(referenceOf(task('deterministic', {}), NOBODY, 'openai')).toBeNull();
    expect(referenceOf(task('deterministic', { answer: ' ' }), NOBODY, 'openai')).toBeNull();
  });
});

describe('a task', () => {
  test.for([
    { source: 'three_oracle', oracles: false, made: false, can: false },
    { source: 'three_oracle', oracles: true, made: false, can: true },
    { source: 'three_oracle', oracles: false, made: true, can: true },
    { source: 'deterministic', oracles: false, made: false, can: true },
    { source: null, oracles: false, made: false, can: true },
  ])(
    'of $source, oracles $oracles, reference made $made: judged $can',
    ({ source, oracles, made, can }) => {
      expect(canBeJudged(task(source), { oracles, made })).toBe(can);
    },
  );
});

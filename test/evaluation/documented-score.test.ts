import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { type CompositeFacts, compositeScore } from '#src/evaluation/composite-score.ts';
import { deploymentOf } from '#src/evaluation/job-name.ts';
import { slotOf } from '#src/evaluation/judge-contract.ts';
import { sha256 } from '#src/events/hash.ts';
import { TaskJudged } from '#src/events/task.ts';

const DOCUMENT = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');

const Example = z.strictObject({
  ...TaskJudged.data.pick({ outcome: true, figures: true, composite: true }).shape,
  turnMs: z.int(),
  tools: z.array(z.string()),
  cost: z.int(),
});

/** The example in the document. */
function documented() {
  const section = DOCUMENT.split('## How a score comes to be')[1] ?? '';
  const block = /```json\n([\s\S]+?)```/.exec(section)?.[1] ?? '';
  return Example.parse(JSON.parse(block));
}

/** The composite by the document's words alone, in exact fractions: a second implementation. */
function byTheDocument({ outcome, figures, turnMs }: z.infer<typeof Example>): bigint {
  const outcomes = {
    correct: 2n,
    partial: 1n,
    disputed: 1n,
    wrong: 0n,
    hallucinated: 0n,
    refused: 0n,
  };
  const half = 500_000_000n;
  const preference = BigInt(figures.preference ?? 500_000_000);
  const counts = outcome === 'correct' || outcome === 'partial';
  const bonus = counts ? (2n * (preference - half) + (preference < half ? -5n : 5n)) / 10n : 0n;
  const sum = outcomes[outcome] * half + bonus;
  const base = sum < 0n ? 0n : sum > 2n * half ? 2n * half : sum;
  const [t, b] = [BigInt(turnMs), BigInt(figures.turnBudgetMs ?? 0)];
  const [num, den] =
    b === 0n || 2n * t <= b ? [1n, 1n] : t >= b ? [1n, 2n] : [3n * b - 2n * t, 2n * b];
  const [whole, rest] = [(base * num) / den, 2n * ((base * num) % den)];
  return rest > den || (rest === den && whole % 2n === 1n) ? whole + 1n : whole;
}

function factsOf({
  outcome,
  figures,
  turnMs,
  tools,
  cost,
}: z.infer<typeof Example>): CompositeFacts {
  return { outcome, ...figures, tools, cost, turnMs, response: 'an answer', mustNotClaim: [] };
}

test('the example of the document is what the code computes, and what the document’s words give', () => {
  const example = documented();
  expect(compositeScore(factsOf(example))).toMatchObject({
    kind: 'scored',
    knockout: null,
    composite: example.composite,
  });
  expect(Number(byTheDocument(example))).toBe(example.composite);
});

test('the document’s words give the composite of every outcome, comparison and time', () => {
  const example = documented();
  for (const outcome of ['correct', 'partial', 'disputed', 'wrong', 'refused'] as const)
    for (const preference of [0, 123_456_789, 499_999_999, 500_000_001, 1_000_000_000, null])
      for (const turnMs of [0, 60_000, 60_001, 77_777, 119_999, 120_000, 999_999]) {
        const at = { ...example, outcome, turnMs, figures: { ...example.figures, preference } };
        const { composite } = compositeScore(factsOf(at)) as Readonly<{ composite: number }>; // safe: nothing is unknown
        expect(composite).toBe(Number(byTheDocument(at)));
      }
});

test('deployments and slots are named as the document says', () => {
  const of = { family: 'general_chat', run: 'run-7', submission: 's-1', archive: sha256('a') };
  const name = ['eirel/deployment/v1', 'v', of.family, of.run, of.submission, of.archive];
  const digits = sha256(name.join('\0')).slice(0, 32).split('');
  digits[12] = '8';
  digits[16] = '89ab'[Number.parseInt(digits[16] ?? '', 16) % 4] ?? '';
  expect(deploymentOf({ validator: 'v', ...of }).replaceAll('-', '')).toBe(digits.join(''));
  const { family, run } = of;
  for (const miner of ['m1', 'm2', 'm3', 'm4']) {
    const last = sha256(['eirel/slot/v1', family, run, 't', miner].join('\0')).slice(-1);
    const slot = '02468ace'.includes(last) ? 'A' : 'B';
    expect(slotOf({ family, run, task: 't', miner })).toBe(slot);
  }
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import table from '#src/evaluation/price-table.json' with { type: 'json' };
import { costOf, priceOf, readPriceTable } from '#src/evaluation/prices.ts';

const prices = readPriceTable(table);
const price = (provider: string, model: string) => {
  const found = priceOf(prices, provider, model);
  if (found === null) throw new Error(`no price of ${model}`);
  return found;
};
const glm = price('chutes', 'zai-org/GLM-5.1-TEE');
const gpt = price('openai', 'gpt-5.4');

/** What the existing services charge for a million tokens (section 5.6 of the wire), in USD: in, out, cached; long ones. */
const CHARGED: Readonly<Record<string, readonly number[]>> = {
  'zai-org/GLM-5.1-TEE': [0.5, 2],
  'moonshotai/Kimi-K2.5-TEE': [0.3827, 1.72],
  'Qwen/Qwen3-32B-TEE': [0.08, 0.24],
  'MiniMaxAI/MiniMax-M2.5-TEE': [0.118, 0.99],
  'gpt-5.4': [2.5, 15, 0.25, 272_000, 5, 22.5, 0.5],
  'gpt-5.4-mini': [0.75, 4.5, 0.075],
  'gpt-4o': [2.5, 10],
  'gpt-4o-mini': [0.15, 0.6],
  'gemini-3.1-pro-preview': [2, 12, 0.2, 200_000, 4, 18, 0.4],
  'gemini-3-pro': [2, 12, 0.2, 200_000, 4, 18, 0.4],
  'grok-4.3': [1.25, 2.5, 0.2, 200_000, 2.5, 5, 0.4],
  'claude-opus-4-6': [15, 75],
  'claude-sonnet-4-6': [3, 15],
  'claude-haiku-4-5': [1, 5],
};

test('every model of the table is charged as the existing services charge it', () => {
  const charged = prices.models
    .filter(({ provider }) => provider !== 'development')
    .map(({ model, input, output, cachedInput, long }) => {
      const cached = cachedInput === undefined ? [] : [cachedInput];
      const dearer =
        long === undefined ? [] : [long.above, long.input, long.output, long.cachedInput];
      return [model, [input, output, ...cached, ...dearer].map(Number)];
    });
  expect(Object.fromEntries(charged)).toEqual(CHARGED);
});

test('a call costs its tokens at the price of a million', () => {
  expect(costOf(glm, { prompt: 1_000_000, cached: 0, completion: 0 })).toBe(500_000_000);
  expect(costOf(glm, { prompt: 100, cached: 0, completion: 50 })).toBe(150_000);
  expect(costOf(glm, { prompt: 0, cached: 0, completion: 0 })).toBe(0);
});

test('cached tokens cost less where the provider says so, and as much as others where it does not', () => {
  expect(costOf(gpt, { prompt: 1_000, cached: 1_000, completion: 0 })).toBe(250_000);
  expect(costOf(glm, { prompt: 1_000, cached: 1_000, completion: 0 })).toBe(500_000);
});

test('the long rates hold for the whole call, strictly above the threshold', () => {
  expect(costOf(gpt, { prompt: 272_000, cached: 0, completion: 0 })).toBe(680_000_000);
  expect(costOf(gpt, { prompt: 272_001, cached: 0, completion: 1 })).toBe(1_360_027_500);
});

test('a model that is not in the table has no price, a similar name neither', () => {
  expect(priceOf(prices, 'chutes', 'unknown')).toBeNull();
  expect(priceOf(prices, 'chutes', 'zai-org/glm-5.1-tee')).toBeNull();
  expect(priceOf(prices, 'openai', 'zai-org/GLM-5.1-TEE')).toBeNull();
});

test('more tokens never cost less', () => {
  const count = fc.integer({ min: 0, max: 300_000 });
  fc.assert(
    fc.property(count, count, count, (prompt, completion, more) => {
      const before = costOf(gpt, { prompt, cached: 0, completion });
      expect(costOf(gpt, { prompt: prompt + more, cached: 0, completion })).toBeGreaterThanOrEqual(
        before,
      );
      expect(
        costOf(gpt, { prompt, cached: 0, completion: completion + more }),
      ).toBeGreaterThanOrEqual(before);
      expect(costOf(gpt, { prompt, cached: prompt, completion })).toBeLessThanOrEqual(before);
    }),
  );
});

test.for([
  ['more cached than prompt tokens', { prompt: 1, cached: 2, completion: 0 }],
  ['a negative count', { prompt: -1, cached: 0, completion: 0 }],
  ['a part of a token', { prompt: 0.5, cached: 0, completion: 0 }],
] as const)('%s is refused', ([, usage]) => {
  expect(() => costOf(glm, usage)).toThrow('usage');
});

test('a table that prices a model twice is refused', () => {
  expect(() => readPriceTable({ ...table, models: [glm, glm] })).toThrow('once');
  expect(() => readPriceTable({ ...table, models: [{ ...glm, input: '1e3' }] })).toThrow('price');
});

import { z } from 'zod';
import { roundHalfEven } from '../consensus/nano.ts';
import { AppError } from '../errors.ts';

/** USD for a million tokens, as a decimal text: a price is never a double. */
const UsdPerMillion = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,5})(\.[0-9]{1,9})?$/, 'a price such as 0.50');

const Rates = {
  input: UsdPerMillion,
  /** Of prompt tokens that the provider had in its cache; the price of `input` where it is not given. */
  cachedInput: UsdPerMillion.optional(),
  output: UsdPerMillion,
};

const ModelPrice = z.strictObject({
  provider: z.string().min(1).max(64),
  model: z.string().min(1).max(128),
  ...Rates,
  /** What a whole call costs whose prompt has more tokens than `above`. */
  long: z.strictObject({ above: z.int().min(1), ...Rates }).optional(),
});

/** What models cost. The version is in every metered event, so that a figure can be computed again. */
export const PriceTable = z.strictObject({
  version: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'a name of at most 64 characters'),
  unit: z.literal('USD for 1,000,000 tokens'),
  models: z.array(ModelPrice).max(10_000),
});
export type PriceTable = z.infer<typeof PriceTable>;
export type ModelPrice = z.infer<typeof ModelPrice>;

/** The tokens of one call as a provider counts them: cached ones are among the prompt's, reasoning among the completion's. */
export type TokenUsage = Readonly<{ prompt: number; cached: number; completion: number }>;

/** Reads a price table. Throws `input.invalid` for one that is malformed or prices a model twice. */
export function readPriceTable(json: unknown): PriceTable {
  const parsed = PriceTable.safeParse(json);
  if (!parsed.success)
    throw new AppError('input.invalid', {
      field: 'price table',
      expected: z.prettifyError(parsed.error),
    });
  const names = parsed.data.models.map(({ provider, model }) => `${provider} ${model}`);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw new AppError('input.invalid', {
      field: 'price table',
      value: twice,
      expected: 'each model of a provider once',
    });
  return parsed.data;
}

/** The price of a provider's model by its exact name; null where nobody knows it, and it is not guessed. */
export function priceOf(table: PriceTable, provider: string, model: string): ModelPrice | null {
  return table.models.find((each) => each.provider === provider && each.model === model) ?? null;
}

/**
 * What a call costs, in 1e-9 USD: (prompt − cached) · input + cached · cachedInput + completion · output, all at the
 * long rates where the prompt has more tokens than their threshold; summed in integers, rounded half to even once.
 * Throws `input.invalid` for counts that contradict each other.
 */
export function costOf(price: ModelPrice, { prompt, cached, completion }: TokenUsage): number {
  if (!areCounts({ prompt, cached, completion }))
    throw new AppError('input.invalid', {
      field: 'usage',
      value: { prompt, cached, completion },
      expected: 'counts from 0, no more cached tokens than the prompt has',
    });
  const rates = price.long !== undefined && prompt > price.long.above ? price.long : price;
  const input = nanoOf(rates.input);
  const cachedInput = rates.cachedInput === undefined ? input : nanoOf(rates.cachedInput);
  const sum =
    BigInt(prompt - cached) * input +
    BigInt(cached) * cachedInput +
    BigInt(completion) * nanoOf(rates.output);
  return Number(roundHalfEven(sum, TOKENS_PRICED));
}

/**
 * What a call costs where price and tokens are known, in 1e-9 USD. Null where one is not, and for counts that contradict
 * each other or cost more than anybody could: a provider may write any figures.
 */
export function costIfKnown(price: ModelPrice | null, usage: TokenUsage | null): number | null {
  if (price === null || usage === null || !areCounts(usage)) return null;
  const cost = costOf(price, usage);
  return cost <= MAX_COST ? cost : null;
}

function areCounts({ prompt, cached, completion }: TokenUsage): boolean {
  const counts = [prompt, cached, completion];
  return counts.every((count) => Number.isSafeInteger(count) && count >= 0) && cached <= prompt;
}

/** A million USD: what is written must fit an integer of JSON, also when such are added. */
const MAX_COST = 1_000_000_000_000_000;

const TOKENS_PRICED = 1_000_000n;

/** `0.50` USD as 500,000,000. */
function nanoOf(usd: string): bigint {
  const [whole = '0', decimals = ''] = usd.split('.');
  return BigInt(whole + decimals.padEnd(NANO_DIGITS, '0'));
}

const NANO_DIGITS = 9;

import { z } from 'zod';
import { Family, RunId } from '../events/scalars.ts';

/** The path segment of every route that is about one run. */
export const RunParams = z.strictObject({ run_id: RunId });

/** For routes without path segments to parse, and for those without a query. */
export const NoParams = z.strictObject({});

/** The query of every route that is about one family; without it the validator's default family is meant. */
export const FamilyQuery = z.strictObject({ family: Family.optional() });

/** A whole number in a query: decimal digits only, so that one number has one spelling. */
export function wholeNumber(min: number, max: number) {
  const expected = `a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^(0|[1-9][0-9]{0,15})$/, expected)
    .transform(Number)
    .pipe(z.int(expected).min(min, expected).max(max, expected));
}

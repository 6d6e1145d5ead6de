import { z } from 'zod';

/**
 * A double from 0 to 1 that another service sent. NaN and infinities are not JSON, and what overflows
 * to one is refused; so is −0, which has no place among scores and is written "-0.0" on the wire.
 */
export const Figure = z
  .number()
  .min(0)
  .max(1)
  .refine((figure) => !Object.is(figure, -0), 'a number from 0 to 1, not −0');

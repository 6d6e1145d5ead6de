import { NANO, nanoOf } from '../consensus/nano.ts';
import { AppError } from '../errors.ts';

/** The largest amount: 2^53 nano-USD, nine million dollars. */
const MAX_NANO_USD = Number.MAX_SAFE_INTEGER;

/**
 * An amount of USD as the wire's float, in integer nano-USD: the exact binary value, rounded half to even. Throws
 * `input.invalid` for NaN, what is negative, and what passes nine million dollars.
 */
export function nanoUsdOf(usd: number): number {
  if (!(usd >= 0 && usd <= MAX_NANO_USD / NANO)) {
    throw new AppError('input.invalid', {
      field: 'usd',
      value: String(usd),
      expected: `a number from 0 to ${MAX_NANO_USD / NANO}`,
    });
  }
  return nanoOf(usd);
}

/** Integer nano-USD as the wire's float of USD: the nearest double. `nanoUsdOf` gives the same amount back below 2^52. */
export function usdOf(nanoUsd: number): number {
  return nanoUsd / NANO;
}

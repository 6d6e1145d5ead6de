import { AppError } from '../errors.ts';

/** One score of 1 in units of 1e-9: the scale of every score, share and margin. */
export const NANO = 1_000_000_000;

/**
 * A score between 0 and 1 in units of 1e-9: the exact binary value of the double times 10^9, rounded
 * half to even. Throws `input.invalid` for NaN, an infinity, −0 and anything outside [0, 1].
 */
export function nanoFromDouble(score: number): number {
  if (!(score >= 0 && score <= 1) || Object.is(score, -0)) {
    throw new AppError('input.invalid', {
      field: 'score',
      value: Object.is(score, -0) ? '−0' : String(score),
      expected: 'a number from 0 to 1',
    });
  }
  return nanoOf(score);
}

/** As `nanoFromDouble`, for any amount from 0 to 2^53 / 10^9, which its caller has checked. */
export function nanoOf(amount: number): number {
  const { mantissa, exponent } = binaryParts(amount);
  // mantissa · 2^-exponent is the double itself; an amount below 2^52 never has a negative `exponent`.
  return Number(roundHalfEven(mantissa * BigInt(NANO), 1n << exponent));
}

/** The quotient of two integers, rounded half to even. `part` is not negative, `whole` is positive. */
export function roundHalfEven(part: bigint, whole: bigint): bigint {
  const quotient = part / whole;
  const twice = 2n * (part % whole);
  const up = twice > whole || (twice === whole && quotient % 2n === 1n);
  return up ? quotient + 1n : quotient;
}

/** For people: `0.85`, `0.123456789`, `1.00`; at least two decimals, no further trailing zeros. */
export function formatNano(nano: number): string {
  const size = Math.abs(nano);
  const decimals = String(size % NANO)
    .padStart(9, '0')
    .replace(/0{1,7}$/, '');
  return `${nano < 0 ? '-' : ''}${Math.floor(size / NANO)}.${decimals}`;
}

/**
 * A positive double as mantissa / 2^exponent (IEEE 754 binary64, section 3.4). Zero and the subnormals
 * are read as if they were normal: all of them are below 2^-1021, and 0 units either way.
 */
function binaryParts(double: number): { mantissa: bigint; exponent: bigint } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, double);
  const bits = view.getBigUint64(0);
  const mantissa = (bits & 0xf_ffff_ffff_ffffn) | (1n << 52n);
  return { mantissa, exponent: 1075n - ((bits >> 52n) & 0x7ffn) };
}

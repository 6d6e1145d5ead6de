import { AppError } from '../errors.ts';

/** Reads SCALE, the chain's binary form, from somebody else's bytes. Every method throws `evidence.invalid` past their end. */
export type ScaleCursor = Readonly<{
  /** Bytes read so far. */
  at: () => number;
  left: () => number;
  bytes: (count: number) => Uint8Array;
  byte: () => number;
  /** `u16`, little-endian. */
  u16: () => number;
  /** A compact integer in its one shortest form, of at most four bytes and 2^30−1; `big` for wider ones. */
  compact: () => number;
  /** A compact integer of any width, in its one shortest form. */
  bigCompact: () => bigint;
}>;

export function scaleCursor(input: Uint8Array): ScaleCursor {
  let at = 0;
  const bytes = (count: number): Uint8Array => {
    if (count > input.length - at) throw unfit('length', input.length, `${at + count} bytes`);
    at += count;
    return input.subarray(at - count, at);
  };
  const uint = (count: number): bigint =>
    bytes(count).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  const bigCompact = (): bigint => {
    const mode = (input[at] ?? 0) & 3;
    if (mode < BIG_MODE) {
      const value = uint(2 ** mode) >> 2n;
      if (mode > 0 && value < (SHORTER[mode] ?? 0n)) throw unfit('compact', value, 'fewer bytes');
      return value;
    }
    const count = Number(uint(1) >> 2n) + LEAST_BIG_BYTES;
    const value = uint(count);
    const least = count === LEAST_BIG_BYTES ? 1n << 30n : 1n << BigInt(8 * (count - 1));
    if (value < least) throw unfit('compact', value, 'fewer bytes');
    return value;
  };
  return {
    at: () => at,
    left: () => input.length - at,
    bytes,
    byte: () => Number(uint(1)),
    u16: () => Number(uint(2)),
    compact: () => {
      const value = bigCompact();
      if (value >= 1n << 30n) throw unfit('compact', value, 'at most 2^30-1');
      return Number(value);
    },
    bigCompact,
  };
}

/** What something that was read is, and what it should be. */
export function unfit(field: string, value: number | bigint | string, expected: string): AppError {
  return new AppError('evidence.invalid', { field, value, expected });
}

/** The two lowest bits of a compact integer tell how it is written: in 1, 2 or 4 bytes, or with a count of bytes. */
const BIG_MODE = 3;
const LEAST_BIG_BYTES = 4;

/** What fits into fewer bytes has to be written so, by the mode that would be too wide for it. */
const SHORTER: readonly bigint[] = [0n, 1n << 6n, 1n << 14n];

import { AppError } from '../errors.ts';

/** Collects SCALE bytes. Throws `input.invalid` for a number that its type can't hold. */
export type Writer = Readonly<{
  uint: (value: number, size: 1 | 2 | 4) => void;
  /** Little endian, two's complement. */
  big: (value: bigint, size: 8 | 16) => void;
  compact: (value: number | bigint) => void;
  raw: (bytes: Uint8Array) => void;
  /** Bytes behind their compact length. */
  prefixed: (bytes: Uint8Array) => void;
  bytes: () => Uint8Array;
}>;

/** A commitment or a set of weights fits without growing. */
const FIRST_CAPACITY_BYTES = 512;

export function createWriter(): Writer {
  let buffer = Buffer.allocUnsafe(FIRST_CAPACITY_BYTES);
  let length = 0;
  // Where the next bytes go. It may replace the buffer, so it comes before any use of it.
  const reserve = (size: number): number => {
    if (length + size > buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(buffer.length * 2, length + size));
      buffer.copy(grown, 0, 0, length);
      buffer = grown;
    }
    length += size;
    return length - size;
  };
  const uint = (value: number, size: 1 | 2 | 4): void => {
    check(value, 256 ** size, `${size * 8} bits`);
    const at = reserve(size);
    buffer.writeUIntLE(value, at, size);
  };
  const words = (value: bigint, size: number): void => {
    let rest = value;
    for (let at = reserve(size); at < length; at += 1) {
      buffer[at] = Number(rest & 0xffn);
      rest >>= 8n;
    }
  };
  const compact = (value: number | bigint): void => {
    if (value < 1 << 30) {
      check(Number(value), 1 << 30, 'a whole number from 0');
      if (value < 1 << 6) return uint(Number(value) << 2, 1);
      if (value < 1 << 14) return uint((Number(value) << 2) | 1, 2);
      return uint(Number(value) * 4 + 2, 4);
    }
    const wide = BigInt(value);
    const size = Math.ceil(wide.toString(16).length / 2);
    uint(((size - 4) << 2) | 3, 1);
    words(wide, size);
  };
  const raw = (bytes: Uint8Array): void => {
    const at = reserve(bytes.length);
    buffer.set(bytes, at);
  };
  const prefixed = (bytes: Uint8Array): void => {
    compact(bytes.length);
    raw(bytes);
  };
  return {
    uint,
    big: words,
    compact,
    raw,
    prefixed,
    bytes: () => Uint8Array.from(buffer.subarray(0, length)),
  };
}

function check(value: number, limit: number, expected: string): void {
  if (!Number.isInteger(value) || value < 0 || value >= limit)
    throw new AppError('input.invalid', { field: 'SCALE', value, expected });
}

import { AppError } from '../errors.ts';

/** Walks through SCALE bytes, which somebody else may have written. Throws `input.invalid` where they end early. */
export type Reader = Readonly<{
  uint: (size: 1 | 2 | 4) => number;
  /** Little endian, unsigned. */
  big: (size: 8 | 16) => bigint;
  compact: () => bigint;
  /** A compact number of things that take a byte at least. */
  count: () => number;
  raw: (size: number) => Uint8Array;
  /** Bytes behind their compact length. */
  prefixed: () => Uint8Array;
  left: () => number;
}>;

export function createReader(bytes: Uint8Array): Reader {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 0;
  const left = (): number => buffer.length - offset;
  const take = (size: number): number => {
    if (size > left()) throw malformed(`${left()} bytes at offset ${offset}`, `${size} bytes`);
    offset += size;
    return offset - size;
  };
  const uint = (size: 1 | 2 | 4): number => buffer.readUIntLE(take(size), size);
  const wide = (size: number): bigint => {
    const start = take(size);
    let value = 0n;
    for (let at = start + size - 1; at >= start; at -= 1)
      value = (value << 8n) | BigInt(buffer[at] ?? 0);
    return value;
  };
  const compact = (): bigint => {
    const mode = (buffer[offset] ?? 0) & 3;
    if (mode === 0) return BigInt(uint(1) >>> 2);
    if (mode === 1) return canonical(BigInt(uint(2) >>> 2), 1n << 6n);
    if (mode === 2) return canonical(BigInt(uint(4) >>> 2), 1n << 14n);
    const size = (uint(1) >>> 2) + 4;
    const shortest = size === 4 ? 1n << 30n : 1n << BigInt(8 * (size - 1));
    return canonical(wide(size), shortest);
  };
  const count = (): number => {
    const value = compact();
    if (value > left()) throw malformed(`${left()} bytes`, `${value} of them`);
    return Number(value);
  };
  const raw = (size: number): Uint8Array => {
    const start = take(size);
    return buffer.subarray(start, start + size);
  };
  return { uint, big: wide, compact, count, raw, prefixed: () => raw(count()), left };
}

/** As the runtime: a number has one compact form, the shortest. */
function canonical(value: bigint, shortest: bigint): bigint {
  if (value < shortest) throw malformed(`compact ${value} in a longer form`, 'its shortest form');
  return value;
}

function malformed(value: string, expected: string): AppError {
  return new AppError('input.invalid', { field: 'SCALE', value, expected });
}

import { AppError } from '../errors.ts';
import { fromHex } from './hex.ts';
import type { Scale } from './scale.ts';
import type { Primitive } from './scale-type.ts';

export const bool: Scale<boolean> = {
  type: { kind: 'primitive', name: 'Bool' },
  write: (value, out) => out.uint(value ? 1 : 0, 1),
  read: (input) => {
    const value = input.uint(1);
    if (value > 1) throw unfit(value, '0 or 1');
    return value === 1;
  },
};
export const u8 = uint('U8', 1);
export const u16 = uint('U16', 2);
export const u32 = uint('U32', 4);
export const u64 = big('U64', 8);
export const u128 = big('U128', 16);
/** Only written as zero: nothing on this chain has a fraction. */
export const i128 = big('I128', 16);

export const text: Scale<string> = {
  type: { kind: 'primitive', name: 'Str' },
  write: (value, out) => out.prefixed(Buffer.from(value, 'utf8')),
  read: (input) => Buffer.from(input.prefixed()).toString('utf8'),
};

/** `Vec<u8>`, as hex digits. */
export const bytes: Scale<string> = {
  type: { kind: 'sequence', of: u8.type },
  write: (value, out) => out.prefixed(fromHex(value)),
  read: (input) => Buffer.from(input.prefixed()).toString('hex'),
};

/** `[u8; length]`, as hex digits. */
export function fixedBytes(length: number): Scale<string> {
  return {
    type: { kind: 'array', length, of: u8.type },
    write: (value, out) => {
      const raw = fromHex(value);
      if (raw.length !== length) throw unfit(value, `${length} bytes in hex`);
      out.raw(raw);
    },
    read: (input) => Buffer.from(input.raw(length)).toString('hex'),
  };
}

export function compact<T extends number | bigint>(of: Integer<T>): Scale<T> {
  const check = (value: number | bigint): void => {
    if (value > of.max) throw unfit(value, `0 to ${of.max}`);
  };
  return {
    type: { kind: 'compact', of: of.type },
    write: (value, out) => {
      check(value);
      out.compact(value);
    },
    read: (input) => {
      const value = input.compact();
      check(value);
      return of.from(value);
    },
  };
}

/** An unsigned integer, which has a compact form too. */
type Integer<T> = Scale<T> & Readonly<{ max: T; from: (value: bigint) => T }>;

function uint(name: Primitive, size: 1 | 2 | 4): Integer<number> {
  return {
    type: { kind: 'primitive', name },
    max: 256 ** size - 1,
    from: Number,
    write: (value, out) => out.uint(value, size),
    read: (input) => input.uint(size),
  };
}

function big(name: Primitive, size: 8 | 16): Integer<bigint> {
  const max = (1n << BigInt(8 * size)) - 1n;
  return {
    type: { kind: 'primitive', name },
    max,
    from: (value) => value,
    write: (value, out) => {
      if (value < 0n || value > max) throw unfit(value, `0 to ${max}`);
      out.big(value, size);
    },
    read: (input) => input.big(size),
  };
}

function unfit(value: unknown, expected: string): AppError {
  return new AppError('input.invalid', { field: 'SCALE', value, expected });
}

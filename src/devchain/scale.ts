import { AppError } from '../errors.ts';
import { fromHex } from './hex.ts';
import { createReader, type Reader } from './scale-reader.ts';
import { type Param, type Primitive, pathOf, snakeCase, type Type } from './scale-type.ts';
import { createWriter, type Writer } from './scale-writer.ts';

/**
 * One SCALE type: how its values are written and read, and how metadata describes it. Both come from one
 * declaration, so that what the chain says about its encoding and what it does cannot differ.
 */
export type Scale<T> = Readonly<{
  type: Type;
  write(value: T, out: Writer): void;
  read(input: Reader): T;
}>;

/** The values of a declared type. */
export type ValueOf<S> = S extends Scale<infer T> ? T : never;

export function encode<T>(scale: Scale<T>, value: T): Uint8Array {
  const out = createWriter();
  scale.write(value, out);
  return out.bytes();
}

/** Throws `input.invalid` for bytes that end early or go on after the value. */
export function decode<T>(scale: Scale<T>, bytes: Uint8Array): T {
  const input = createReader(bytes);
  const value = scale.read(input);
  if (input.left() > 0)
    throw new AppError('input.invalid', {
      field: 'SCALE',
      value: `${input.left()} bytes after the value`,
      expected: 'nothing',
    });
  return value;
}

/** What a type holds before anything is written: zeros. */
export function zero<T>(scale: Scale<T>): T {
  return scale.read(createReader(new Uint8Array(MAX_ZERO_BYTES)));
}

/** Longer than anything fixed in length; lists are empty at once. */
const MAX_ZERO_BYTES = 256;

export const bool: Scale<boolean> = {
  type: { kind: 'primitive', name: 'Bool' },
  write: (value, out) => out.uint(value ? 1 : 0, 1),
  read: (input) => input.uint(1) !== 0,
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

export function compact<T extends number | bigint>(of: Scale<T>): Scale<T> {
  const small = of === u8 || of === u16 || of === u32;
  return {
    type: { kind: 'compact', of: of.type },
    write: (value, out) => out.compact(value),
    // safe: the small integers are numbers, the large ones bigints, as `uint` and `big` make them
    read: (input) => (small ? Number(input.compact()) : input.compact()) as T,
  };
}

export function vec<T>(of: Scale<T>): Scale<readonly T[]> {
  return {
    type: { kind: 'sequence', of: of.type },
    write: (values, out) => {
      out.compact(values.length);
      for (const value of values) of.write(value, out);
    },
    read: (input) => Array.from({ length: input.count() }, () => of.read(input)),
  };
}

export function option<T>(of: Scale<T>): Scale<T | null> {
  return {
    type: {
      kind: 'variant',
      path: ['Option'],
      params: [{ name: 'T', type: of.type }],
      variants: [
        { name: 'None', index: 0, fields: [] },
        { name: 'Some', index: 1, fields: [{ name: null, type: of.type }] },
      ],
    },
    write: (value, out) => {
      out.uint(value === null ? 0 : 1, 1);
      if (value !== null) of.write(value, out);
    },
    read: (input) => (input.uint(1) === 0 ? null : of.read(input)),
  };
}

type Tuple = readonly Scale<unknown>[];
type TupleValue<T extends Tuple> = { readonly [K in keyof T]: ValueOf<T[K]> };

export function tuple<const T extends Tuple>(...parts: T): Scale<TupleValue<T>> {
  return {
    type: { kind: 'tuple', of: parts.map((part) => part.type) },
    write: (values, out) => {
      for (const [index, part] of parts.entries()) part.write(values[index], out);
    },
    // safe: each part reads its own value, in the same order
    read: (input) => parts.map((part) => part.read(input)) as unknown as TupleValue<T>,
  };
}

type Fields = Readonly<Record<string, Scale<unknown>>>;
type StructValue<F extends Fields> = { readonly [K in keyof F]: ValueOf<F[K]> };

/** Fields in their order; metadata spells their names with underscores. Without path: those of a variant. */
export function struct<F extends Fields>(fields: F, path = ''): Scale<StructValue<F>> {
  const parts = Object.entries(fields);
  return {
    type: {
      kind: 'composite',
      path: pathOf(path),
      params: [],
      fields: parts.map(([name, part]) => ({ name: snakeCase(name), type: part.type })),
    },
    write: (value, out) => {
      for (const [name, part] of parts) part.write(value[name], out);
    },
    // safe: each part reads its own value, under its own name
    read: (input) =>
      Object.fromEntries(parts.map(([name, part]) => [name, part.read(input)])) as StructValue<F>,
  };
}

/** The same bytes under a name of their own, as a Rust struct with one unnamed field. */
export function newtype<T>(path: string, of: Scale<T>): Scale<T> {
  const fields = [{ name: null, type: of.type }];
  return { ...of, type: { kind: 'composite', path: pathOf(path), params: [], fields } };
}

/** A named type with the parameters that it is generic over in Rust; clients find some types by them. */
export function generic<T>(of: Scale<T>, params: readonly Param[]): Scale<T> {
  const { type } = of;
  return 'params' in type ? { ...of, type: { ...type, params } } : of;
}

/** The same bytes with other values in front of them. */
export function mapped<T, U>(
  of: Scale<T>,
  { to, from }: { readonly to: (value: T) => U; readonly from: (value: U) => T },
): Scale<U> {
  return {
    type: of.type,
    write: (value, out) => of.write(from(value), out),
    read: (input) => to(of.read(input)),
  };
}

function uint(name: Primitive, size: 1 | 2 | 4): Scale<number> {
  return {
    type: { kind: 'primitive', name },
    write: (value, out) => out.uint(value, size),
    read: (input) => input.uint(size),
  };
}

function big(name: Primitive, size: 8 | 16): Scale<bigint> {
  const limit = 1n << BigInt(8 * size);
  return {
    type: { kind: 'primitive', name },
    write: (value, out) => {
      if (value < 0n || value >= limit) throw unfit(value, `0 to 2^${8 * size} − 1`);
      out.big(value, size);
    },
    read: (input) => input.big(size),
  };
}

function unfit(value: unknown, expected: string): AppError {
  return new AppError('input.invalid', { field: 'SCALE', value, expected });
}

import { AppError } from '../errors.ts';
import { createReader, type Reader } from './scale-reader.ts';
import { type Param, pathOf, snakeCase, type Type } from './scale-type.ts';
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

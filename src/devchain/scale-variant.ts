import { AppError } from '../errors.ts';
import { type Scale, tuple, type ValueOf } from './scale.ts';
import { bool } from './scale-basic.ts';
import { fieldsOf, pathOf } from './scale-type.ts';

/** What a variant without fields holds. */
export const unit = tuple();

type Variants = Readonly<Record<string, readonly [index: number, content: Scale<unknown>]>>;
type VariantValue<V extends Variants> = {
  readonly [K in keyof V & string]: readonly [name: K, content: ValueOf<V[K][1]>];
}[keyof V & string];

/** A Rust enum: the values are its variants' names with what they hold. */
export function variant<V extends Variants>(path: string, variants: V): Scale<VariantValue<V>> {
  const byIndex = new Map(
    Object.entries(variants).map(([name, [index, content]]) => [index, { name, content }]),
  );
  return {
    type: {
      kind: 'variant',
      path: pathOf(path),
      params: [],
      variants: Object.entries(variants).map(([name, [index, content]]) => ({
        name,
        index,
        fields: fieldsOf(content.type),
      })),
    },
    write: ([name, content], out) => {
      const found = variants[name];
      if (found === undefined) throw unknown(path, name, Object.keys(variants));
      out.uint(found[0], 1);
      found[1].write(content, out);
    },
    read: (input) => {
      const index = input.uint(1);
      const found = byIndex.get(index);
      if (found === undefined) throw unknown(path, index, [...byIndex.keys()]);
      // safe: name and content come from the same entry of `variants`
      return [found.name, found.content.read(input)] as unknown as VariantValue<V>;
    },
  };
}

/** A Rust enum without fields, its indices counted from 0: the values are its names. */
export function words<const N extends readonly string[]>(path: string, names: N): Scale<N[number]> {
  const index = new Map<string, number>(names.map((name, at) => [name, at]));
  return {
    type: {
      kind: 'variant',
      path: pathOf(path),
      params: [],
      variants: names.map((name, at) => ({ name, index: at, fields: [] })),
    },
    write: (name, out) => {
      const at = index.get(name);
      if (at === undefined) throw unknown(path, name, names);
      out.uint(at, 1);
    },
    read: (input) => {
      const at = input.uint(1);
      const name = names[at];
      if (name === undefined) throw unknown(path, at, names);
      return name;
    },
  };
}

/** Rust's `Option`: null is None. */
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
      bool.write(value !== null, out);
      if (value !== null) of.write(value, out);
    },
    read: (input) => (bool.read(input) ? of.read(input) : null),
  };
}

function unknown(path: string, value: unknown, expected: readonly unknown[]): AppError {
  return new AppError('input.invalid', {
    field: path === '' ? 'variant' : path,
    value,
    expected: `one of ${expected.join(', ')}`,
  });
}

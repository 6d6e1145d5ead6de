import { type Scale, struct, type ValueOf, vec } from './scale.ts';
import { compact, text, u8, u32 } from './scale-basic.ts';
import type { Field, Primitive, Type } from './scale-type.ts';
import { option, variant, words } from './scale-variant.ts';

/** A type's place in the metadata's list of types. */
export const typeId = compact(u32);

/** Comments of the Rust source: none. */
export const docs = vec(text);

/** In scale-info's order; the chain uses those of `Primitive`. */
const primitive: Scale<Primitive | 'Char' | 'U256' | 'I8' | 'I16' | 'I32' | 'I64'> = words('', [
  'Bool',
  'Char',
  'Str',
  'U8',
  'U16',
  'U32',
  'U64',
  'U128',
  'U256',
  'I8',
  'I16',
  'I32',
  'I64',
  'I128',
]);

const fieldsScale = vec(struct({ name: option(text), type: typeId, typeName: option(text), docs }));

const definition = variant('', {
  Composite: [0, fieldsScale],
  Variant: [1, vec(struct({ name: text, fields: fieldsScale, index: u8, docs }))],
  Sequence: [2, typeId],
  Array: [3, struct({ length: u32, type: typeId })],
  Tuple: [4, vec(typeId)],
  Primitive: [5, primitive],
  Compact: [6, typeId],
});

const portableType = struct({
  id: typeId,
  path: vec(text),
  params: vec(struct({ name: text, type: option(typeId) })),
  definition,
  docs,
});

/** The types of the metadata, each once, those that a type is made of before it. */
export const portableTypes = vec(portableType);
type PortableType = ValueOf<typeof portableType>;

export type TypeTable = Readonly<{
  /** Adds the type if it is new. */
  idOf: (type: Type) => number;
  types: () => readonly PortableType[];
}>;

export function createTypeTable(): TypeTable {
  const types: PortableType[] = [];
  const byContent = new Map<string, number>();
  // Most types are met as the same object again.
  const byObject = new Map<Type, number>();
  const idOf = (type: Type): number => {
    const id = byObject.get(type) ?? add(type);
    byObject.set(type, id);
    return id;
  };
  const add = (type: Type): number => {
    const described = { ...namesOf(type, idOf), definition: definitionOf(type, idOf), docs: [] };
    const content = JSON.stringify(described);
    const known = byContent.get(content);
    if (known !== undefined) return known;
    const id = types.length;
    types.push({ id, ...described });
    byContent.set(content, id);
    return id;
  };
  return { idOf, types: () => types };
}

type IdOf = TypeTable['idOf'];

function namesOf(type: Type, idOf: IdOf): Pick<PortableType, 'path' | 'params'> {
  if (type.kind !== 'composite' && type.kind !== 'variant') return { path: [], params: [] };
  const params = type.params.map(({ name, type }) => ({ name, type: idOf(type) }));
  return { path: type.path, params };
}

function definitionOf(type: Type, idOf: IdOf): PortableType['definition'] {
  switch (type.kind) {
    case 'primitive':
      return ['Primitive', type.name];
    case 'compact':
      return ['Compact', idOf(type.of)];
    case 'sequence':
      return ['Sequence', idOf(type.of)];
    case 'array':
      return ['Array', { length: type.length, type: idOf(type.of) }];
    case 'tuple':
      return ['Tuple', type.of.map(idOf)];
    case 'composite':
      return ['Composite', fieldsOf(type.fields, idOf)];
    case 'variant':
      return [
        'Variant',
        type.variants.map(({ name, index, fields }) => ({
          name,
          index,
          fields: fieldsOf(fields, idOf),
          docs: [],
        })),
      ];
  }
}

function fieldsOf(fields: readonly Field[], idOf: IdOf): ValueOf<typeof fieldsScale> {
  return fields.map(({ name, type }) => ({ name, type: idOf(type), typeName: null, docs: [] }));
}

import type { Metadata, PortableRegistry } from '@polkadot/types/cjs/index';
import type { SiLookupTypeId, SiVariant } from '@polkadot/types/cjs/interfaces/index';

/** What metadata says, under names: without the numbers of types, which differ from runtime to runtime. */
export function surfaceOf(metadata: Metadata) {
  const { pallets, extrinsic, lookup } = metadata.version === 15 ? metadata.asV15 : metadata.asV14;
  const shape = (id: SiLookupTypeId): Shape => shapeOf(lookup, id.toNumber());
  const variantsOf = (type: { isSome: boolean; unwrap: () => { type: SiLookupTypeId } }) =>
    type.isSome
      ? variants(lookup, lookup.getSiType(type.unwrap().type).def.asVariant.variants)
      : {};
  return {
    pallets: named(pallets, (pallet) => ({
      index: pallet.index.toNumber(),
      calls: variantsOf(pallet.calls),
      events: variantsOf(pallet.events),
      errors: variantsOf(pallet.errors),
      constants: named(pallet.constants, ({ type, value }) => ({
        type: shape(type),
        value: value.toHex(),
      })),
      storage: named(pallet.storage.isSome ? pallet.storage.unwrap().items : [], (item) => ({
        modifier: item.modifier.toString(),
        hashers: item.type.isMap ? item.type.asMap.hashers.map(String) : [],
        key: item.type.isMap ? shape(item.type.asMap.key) : null,
        value: shape(item.type.isMap ? item.type.asMap.value : item.type.asPlain),
        fallback: item.fallback.toHex(),
      })),
    })),
    extrinsicVersion: extrinsic.version.toNumber(),
    extensions: extrinsic.signedExtensions.map(({ identifier, type, additionalSigned }) => [
      identifier.toString(),
      shape(type),
      shape(additionalSigned),
    ]),
  };
}

/** Of metadata 15: the runtime APIs, and the parts of an extrinsic. */
export function surface15Of(metadata: Metadata) {
  const { apis, extrinsic, lookup } = metadata.asV15;
  const shape = (id: SiLookupTypeId): Shape => shapeOf(lookup, id.toNumber());
  return {
    apis: named(apis, ({ methods }) =>
      named(methods, ({ inputs, output }) => ({
        inputs: inputs.map(({ name, type }) => [name.toString(), shape(type)]),
        output: shape(output),
      })),
    ),
    extrinsic: [extrinsic.addressType, extrinsic.callType, extrinsic.signatureType].map(shape),
  };
}

export type Shape = string | Readonly<{ [name: string]: unknown }> | readonly unknown[];

/** Enums of the runtime whose variants are its pallets, of which the development chain has a few. */
const OPEN = /::Runtime(Call|Event)$/;

/** A type as its encoding and its names have it; a struct of one unnamed field is what it holds. */
function shapeOf(lookup: PortableRegistry, id: number): Shape {
  const { def, path } = lookup.getSiType(id);
  const shape = (inner: SiLookupTypeId): Shape => shapeOf(lookup, inner.toNumber());
  if (OPEN.test(path.join('::'))) return path.join('::');
  if (def.isPrimitive) return def.asPrimitive.toString();
  if (def.isCompact) return { compact: shape(def.asCompact.type) };
  if (def.isSequence) return { list: shape(def.asSequence.type) };
  if (def.isArray) return { array: shape(def.asArray.type), length: def.asArray.len.toNumber() };
  if (def.isTuple) return def.asTuple.map(shape);
  if (def.isVariant) return { enum: variants(lookup, def.asVariant.variants) };
  if (!def.isComposite) throw new TypeError(`${path.join('::')}: ${def.type}`);
  return fieldsOf(lookup, def.asComposite.fields);
}

function variants(lookup: PortableRegistry, of: Iterable<SiVariant>) {
  return named(of, ({ index, fields }) => ({
    index: index.toNumber(),
    content: fieldsOf(lookup, fields),
  }));
}

function fieldsOf(lookup: PortableRegistry, fields: SiVariant['fields']): Shape {
  const shapes = fields.map(({ name, type }) => ({
    name: name.isSome ? name.unwrap().toString() : null,
    shape: shapeOf(lookup, type.toNumber()),
  }));
  const [only] = shapes;
  if (shapes.length === 1 && only?.name === null) return only.shape;
  return shapes.map(({ name, shape }) => (name === null ? shape : { [name]: shape }));
}

function named<T extends { readonly name: { toString(): string } }, U>(
  entries: Iterable<T>,
  describe: (entry: T) => U,
): Readonly<Record<string, U>> {
  return Object.fromEntries([...entries].map((entry) => [entry.name.toString(), describe(entry)]));
}

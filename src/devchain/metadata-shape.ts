import { docs, portableTypes, typeId } from './metadata-types.ts';
import { struct, tuple, type ValueOf, vec } from './scale.ts';
import { bytes, text, u8 } from './scale-basic.ts';
import { option, variant, words } from './scale-variant.ts';

const hasher = words('', [
  'Blake2_128',
  'Blake2_256',
  'Blake2_128Concat',
  'Twox128',
  'Twox256',
  'Twox64Concat',
  'Identity',
]);
const storageItem = struct({
  name: text,
  modifier: words('', ['Optional', 'Default']),
  type: variant('', {
    Plain: [0, typeId],
    Map: [1, struct({ hashers: vec(hasher), key: typeId, value: typeId })],
  }),
  fallback: bytes,
  docs,
});
const palletFields = {
  name: text,
  storage: option(struct({ prefix: text, items: vec(storageItem) })),
  calls: option(typeId),
  events: option(typeId),
  constants: vec(struct({ name: text, type: typeId, value: bytes, docs })),
  errors: option(typeId),
  index: u8,
};
const extensions = vec(struct({ identifier: text, type: typeId, additionalSigned: typeId }));
const pallet14 = struct(palletFields);
export type PalletMetadata = ValueOf<typeof pallet14>;

/** What follows the magic number and the version 14. */
export const metadataV14 = struct({
  types: portableTypes,
  pallets: vec(pallet14),
  extrinsic: struct({ type: typeId, version: u8, extensions }),
  runtime: typeId,
});

/** What follows the magic number and the version 15. */
export const metadataV15 = struct({
  types: portableTypes,
  pallets: vec(struct({ ...palletFields, docs })),
  extrinsic: struct({
    version: u8,
    address: typeId,
    call: typeId,
    signature: typeId,
    extra: typeId,
    extensions,
  }),
  runtime: typeId,
  apis: vec(
    struct({
      name: text,
      methods: vec(
        struct({
          name: text,
          inputs: vec(struct({ name: text, type: typeId })),
          output: typeId,
          docs,
        }),
      ),
      docs,
    }),
  ),
  outerEnums: struct({ call: typeId, event: typeId, error: typeId }),
  custom: vec(tuple(text, typeId, bytes)),
});

import { SS58_PREFIX } from '../chain/hotkey.ts';
import { API_METHODS } from './apis.ts';
import { callEntries, runtimeCall } from './calls.ts';
import { extraType, extrinsicType, multiAddress, multiSignature } from './codec-extrinsic.ts';
import { MAX_FIELDS } from './commitments.ts';
import { eventEntries } from './events.ts';
import { ADDITIONAL, EXTRA } from './extensions.ts';
import { toHex } from './hex.ts';
import { metadataV14, metadataV15, type PalletMetadata } from './metadata-shape.ts';
import { createTypeTable } from './metadata-types.ts';
import { palletEnum, palletNames, runtimeEnum } from './pallet-enum.ts';
import { PALLETS, type PalletName } from './pallets.ts';
import { runtimeVersionOf, runtimeVersionScale } from './runtime-version.ts';
import { encode, type Scale, struct } from './scale.ts';
import { u16, u32, u64 } from './scale-basic.ts';
import { fieldsOf, type Type } from './scale-type.ts';
import type { Item } from './storage-item.ts';
import { BLOCK_HASH_COUNT } from './storage-items.ts';
import { errorEntries } from './types-dispatch.ts';

/** What the metadata tells of one runtime on one chain. */
export type RuntimeFacts = Readonly<{ specVersion: number; slotMs: number }>;

export type Metadata = Readonly<Record<14 | 15, Uint8Array>>;
type IdOf = (type: Type) => number;

/**
 * The chain's description of itself (metadata 14 and 15) from the tables of calls, events, errors, storage
 * and runtime APIs. Names, indices and encodings are Finney's; the numbers of types are not.
 */
export function createMetadata(items: readonly Item[], facts: RuntimeFacts): Metadata {
  const { idOf, types } = createTypeTable();
  const constants = constantsOf(facts);
  const pallets = palletNames.map((name) => palletOf(name, items, constants[name], idOf));
  const extensions = extensionsOf(idOf);
  const runtime = idOf(RUNTIME);
  const extrinsic = idOf(extrinsicType);
  const v15 = {
    pallets: pallets.map((pallet) => ({ ...pallet, docs: [] })),
    extrinsic: {
      version: EXTRINSIC_VERSION,
      address: idOf(multiAddress.type),
      call: idOf(runtimeCall.type),
      signature: idOf(multiSignature.type),
      extra: idOf(extraType),
      extensions,
    },
    runtime,
    apis: apisOf(idOf),
    outerEnums: {
      call: idOf(runtimeCall.type),
      event: idOf(runtimeEnum('Event', eventEntries)),
      error: idOf(runtimeEnum('Error', errorEntries)),
    },
    custom: [],
  };
  const v14 = {
    pallets,
    extrinsic: { type: extrinsic, version: EXTRINSIC_VERSION, extensions },
    runtime,
  };
  // Every type has its number by now.
  return {
    14: versioned(14, encode(metadataV14, { types: types(), ...v14 })),
    15: versioned(15, encode(metadataV15, { types: types(), ...v15 })),
  };
}

const MAGIC = Buffer.from('meta');
const EXTRINSIC_VERSION = 4;
const RUNTIME = struct({}, 'node_subtensor_runtime::Runtime').type;

function versioned(version: 14 | 15, body: Uint8Array): Uint8Array {
  return Uint8Array.from([...MAGIC, version, ...body]);
}

type Constant = readonly [name: string, type: Type, value: Uint8Array];

function constantsOf(facts: RuntimeFacts): Readonly<Record<PalletName, readonly Constant[]>> {
  return {
    System: [
      constant('BlockHashCount', u32, BLOCK_HASH_COUNT),
      constant('Version', runtimeVersionScale, runtimeVersionOf(facts.specVersion)),
      constant('SS58Prefix', u16, SS58_PREFIX),
    ],
    Timestamp: [],
    Aura: [constant('SlotDuration', u64, BigInt(facts.slotMs))],
    SubtensorModule: [],
    Commitments: [constant('MaxFields', u32, MAX_FIELDS)],
    Drand: [],
  };
}

function constant<T>(name: string, scale: Scale<T>, value: T): Constant {
  return [name, scale.type, encode(scale, value)];
}

function palletOf(
  name: PalletName,
  allItems: readonly Item[],
  constants: readonly Constant[],
  idOf: IdOf,
): PalletMetadata {
  const items = allItems.filter(({ pallet }) => pallet === name);
  const idOrNull = (type: Type | null): number | null => (type === null ? null : idOf(type));
  return {
    name,
    storage:
      items.length === 0 ? null : { prefix: name, items: items.map((item) => itemOf(item, idOf)) },
    calls: idOrNull(palletEnum(name, 'Call', callEntries)),
    events: idOrNull(palletEnum(name, 'Event', eventEntries)),
    constants: constants.map(([name, type, value]) => ({
      name,
      type: idOf(type),
      value: toHex(value),
      docs: [],
    })),
    errors: idOrNull(palletEnum(name, 'Error', errorEntries)),
    index: PALLETS[name],
  };
}

type StorageItem = NonNullable<PalletMetadata['storage']>['items'][number];

function itemOf({ name, keys, value, fallback }: Item, idOf: IdOf): StorageItem {
  const [first, ...more] = keys.map(({ scale }) => scale.type);
  const key: Type | undefined =
    first === undefined || more.length === 0 ? first : { kind: 'tuple', of: [first, ...more] };
  return {
    name,
    modifier: fallback === null ? 'Optional' : 'Default',
    type:
      key === undefined
        ? ['Plain', idOf(value.type)]
        : [
            'Map',
            {
              hashers: keys.map(({ hasher }) => hasher),
              key: idOf(key),
              value: idOf(value.type),
            },
          ],
    // An optional value's fallback is None.
    fallback: fallback === null ? '00' : toHex(fallback),
    docs: [],
  };
}

function extensionsOf(idOf: IdOf) {
  return Object.entries(EXTRA).map(([identifier, { type }]) => ({
    identifier,
    type: idOf(type),
    // safe: both tables have the same keys
    additionalSigned: idOf(ADDITIONAL[identifier as keyof typeof EXTRA].type),
  }));
}

function apisOf(idOf: IdOf) {
  const traits = [...Map.groupBy(API_METHODS, ({ trait }) => trait)];
  return traits.map(([name, methods]) => ({
    name,
    methods: methods.map(({ name, inputs, output }) => ({
      name,
      inputs: fieldsOf(inputs.type).map((input) => ({
        name: input.name ?? '',
        type: idOf(input.type),
      })),
      output: idOf(output.type),
      docs: [],
    })),
    docs: [],
  }));
}

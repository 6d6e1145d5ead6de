import { xxhashAsU8a } from '@polkadot/util-crypto/cjs/xxhash/index';
import type { BlockExtra } from './codec.ts';
import { toHex } from './hex.ts';
import type { PalletName } from './pallets.ts';
import { encode, type Scale, zero } from './scale.ts';
import type { DevState } from './state.ts';

/** How a part of a key is hashed; each of these keeps the part itself readable behind its hash. */
export type Hasher = 'Identity' | 'Twox64Concat' | 'Blake2_128Concat';

export type KeyPart<T> = Readonly<{ hasher: Hasher; scale: Scale<T> }>;

/** A state and the block that it is the end of. */
export type At = Readonly<{ state: DevState; extra: BlockExtra }>;

/** A storage item: how its keys and values are encoded, and how it follows from the state. */
export type Item = Readonly<{
  pallet: PalletName;
  name: string;
  /** What all its keys begin with, in 0x hex: the hashes of both names, 128 bits each. */
  prefix: string;
  /** None for a plain value. */
  keys: readonly KeyPart<unknown>[];
  value: Scale<unknown>;
  /** What stands for an absent value; null where a reader is told that it is absent. */
  fallback: Uint8Array | null;
  /** Null where the state holds no such value. */
  read(at: At, keys: readonly unknown[]): unknown;
  /** The keys under which the state holds values. */
  entries(state: DevState): Iterable<readonly unknown[]>;
  /** The keys whose values may differ between two blocks; null for any. */
  changed(before: At, after: At): Iterable<readonly unknown[]> | null;
}>;

type Keys = readonly unknown[];
type KeyParts<K extends Keys> = { readonly [I in keyof K]: KeyPart<K[I]> };

/** Absent values of a storage item: its own default, zeros, or nothing. */
export type Absent<V> = Readonly<{ default: V }> | 'zero' | 'none';

export function item<V, const K extends Keys>(declared: {
  readonly pallet: PalletName;
  readonly name: string;
  readonly keys: KeyParts<K>;
  readonly value: Scale<V>;
  readonly absent?: Absent<V>;
  readonly read: (at: At, keys: K) => V | null;
  readonly entries: (state: DevState) => Iterable<K>;
  readonly changed?: (before: At, after: At) => Iterable<K> | null;
}): Item {
  const { absent = 'zero', changed = () => null, pallet, name, value, ...rest } = declared;
  const hashes = [xxhashAsU8a(pallet, 128), xxhashAsU8a(name, 128)];
  const prefix = toHex(Buffer.concat(hashes));
  const described = { ...rest, changed, pallet, name, value, prefix };
  if (absent === 'none') return { ...described, fallback: null };
  const fallback = encode(value, absent === 'zero' ? zero(value) : absent.default);
  return { ...described, fallback };
}

/** An item without keys. */
export function plain<V>(
  pallet: PalletName,
  name: string,
  value: Scale<V>,
  read: (at: At) => V,
  absent: Absent<V> = 'zero',
): Item {
  return item({ pallet, name, keys: [], value, absent, read, entries: () => [[]] });
}

export function identity<T>(scale: Scale<T>): KeyPart<T> {
  return { hasher: 'Identity', scale };
}

export function twox64<T>(scale: Scale<T>): KeyPart<T> {
  return { hasher: 'Twox64Concat', scale };
}

export function blake2<T>(scale: Scale<T>): KeyPart<T> {
  return { hasher: 'Blake2_128Concat', scale };
}

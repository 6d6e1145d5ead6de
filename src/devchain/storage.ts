import { blake2AsU8a } from '@polkadot/util-crypto/cjs/blake2/index';
import { xxhashAsU8a } from '@polkadot/util-crypto/cjs/xxhash/index';
import { AppError } from '../errors.ts';
import type { BlockExtra } from './codec.ts';
import { fromHex, toHex } from './hex.ts';
import { encode } from './scale.ts';
import { createReader } from './scale-reader.ts';
import type { DevState } from './state.ts';
import type { Hasher, Item } from './storage-item.ts';
import { storageItems } from './storage-items.ts';

export type Storage = Readonly<{
  items: readonly Item[];
  /** Null for a key that the state has no value under. */
  value: (state: DevState, keyHex: string, extra: BlockExtra) => string | null;
  keys: (state: DevState, prefixHex: string) => readonly string[];
}>;

/** Substrate's view of the state: a map from hashed keys to SCALE values, answered without being built. */
export function createStorage(): Storage {
  const items = storageItems();
  const byPrefix = new Map(items.map((item) => [item.prefix, item]));
  return {
    items,
    value: (state, keyHex, extra) => {
      const key = toHex(fromHex(keyHex));
      const item = byPrefix.get(key.slice(0, PREFIX_DIGITS));
      if (item === undefined) return null;
      const keys = readKeys(item, key);
      if (keys === null) return null;
      const value = item.read({ state, extra }, keys);
      return value === null ? null : toHex(encode(item.value, value));
    },
    keys: (state, prefixHex) => {
      const prefix = toHex(fromHex(prefixHex));
      return items
        .filter((item) => item.prefix.startsWith(prefix) || prefix.startsWith(item.prefix))
        .flatMap((item) => [...item.entries(state)].map((keys) => storageKey(item, keys)))
        .filter((key) => key.startsWith(prefix))
        .toSorted(byCodeUnit);
    },
  };
}

/** The key of a value in 0x hex. */
export function storageKey(item: Item, keys: readonly unknown[]): string {
  const parts = item.keys.map(({ hasher, scale }, at) => {
    const raw = encode(scale, keys[at]);
    return Buffer.concat([HASHERS[hasher].hash(raw), raw]).toString('hex');
  });
  return item.prefix + parts.join('');
}

/** Two hashes of 128 bits. */
const PREFIX_BYTES = 32;
const PREFIX_DIGITS = 2 + 2 * PREFIX_BYTES;

const HASHERS: Readonly<
  Record<Hasher, Readonly<{ size: number; hash: (raw: Uint8Array) => Uint8Array }>>
> = {
  Identity: { size: 0, hash: () => new Uint8Array() },
  Twox64Concat: { size: 8, hash: (raw) => xxhashAsU8a(raw, 64) },
  Blake2_128Concat: { size: 16, hash: (raw) => blake2AsU8a(raw, 128) },
};

/** What stands in a key behind its hashes; null for a key that no such item can have. */
function readKeys(item: Item, key: string): readonly unknown[] | null {
  const input = createReader(fromHex(key).subarray(PREFIX_BYTES));
  try {
    const keys = item.keys.map(({ hasher, scale }) => {
      input.raw(HASHERS[hasher].size);
      return scale.read(input);
    });
    return storageKey(item, keys) === key ? keys : null;
  } catch (error) {
    // A key that is too short or holds no such value is, for the chain, a key like any other: empty.
    if (error instanceof AppError) return null;
    throw error;
  }
}

function byCodeUnit(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

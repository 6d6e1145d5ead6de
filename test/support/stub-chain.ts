import type { ApiPromise } from '@polkadot/api/cjs/index';
import { u8aToHex } from '@polkadot/util/cjs/index';
import { decodeAddress, xxhashAsHex } from '@polkadot/util-crypto/cjs/index';
import { createCodec } from '#src/devchain/codec.ts';
import { recordedNode } from './recorded-node.ts';

/**
 * Storage of one block by item (`Pallet.Item`) and by the hex of its keys as they are before hashing, all
 * one after the other: hashers that keep the key put it behind the hash.
 */
export type Stored = Readonly<Record<string, Readonly<Record<string, string>>>>;

export type StubChain = AsyncDisposable &
  Readonly<{
    api: ApiPromise;
    requests: string[];
    /** From now on this answers for the state of a block; it may throw what a node would. */
    setStorage: (at: (block: number) => Stored) => void;
    setCall: (call: (args: string, block: number) => string) => void;
    /** The runtime in the state of a block, which runs the next one; the connection knows 343. */
    setSpecVersion: (at: (block: number) => number) => void;
    /** Blocks above it are unknown to the node. */
    setBest: (block: number) => void;
  }>;

/**
 * A node that knows the development chain's metadata, and answers what a test makes up. Runtimes that the
 * connection does not know have metadata of their own.
 */
export async function stubChain(
  metadata = createCodec().metadataV15,
  otherMetadata = metadata,
): Promise<StubChain> {
  let storage: (block: number) => Stored = () => ({});
  let call: (args: string, block: number) => string = () => '0x00';
  let best = Infinity;
  let specVersion = (_block: number): number => RUNTIME_VERSION.specVersion;
  const {
    api,
    requests,
    [Symbol.asyncDispose]: dispose,
  } = await recordedNode({
    metadata,
    runtimeVersion: RUNTIME_VERSION,
    otherMetadata,
    specVersionAt: (hash) => specVersion(numberOf(hash)),
    parentHash: (hash) => hashOf(numberOf(hash) - 1),
    blockHash: (block) => (block > best ? null : hashOf(block)),
    storage: (key, hash) => find(storage(numberOf(hash)), key),
    call: (_method, args, hash) => call(args, numberOf(hash)),
  });
  return {
    api,
    requests,
    setStorage: (at) => {
      storage = at;
    },
    setCall: (answer) => {
      call = answer;
    },
    setSpecVersion: (at) => {
      specVersion = at;
    },
    setBest: (block) => {
      best = block;
    },
    [Symbol.asyncDispose]: dispose,
  };
}

/** The hash of a block of the stub is its number. */
export function hashOf(block: number): string {
  return `0x${block.toString(16).padStart(64, '0')}`;
}

/** The 32 bytes of an address in hex, as they stand at the end of its keys. */
export function accountHex(address: string): string {
  return u8aToHex(decodeAddress(address)).slice(2);
}

function numberOf(hash: string): number {
  return Number.parseInt(hash.slice(2), 16);
}

const RUNTIME_VERSION = {
  specName: 'node-subtensor',
  implName: 'node-subtensor',
  authoringVersion: 1,
  specVersion: 343,
  implVersion: 1,
  // BLAKE2b-64 of `Metadata`: versions of metadata can be asked for.
  apis: [['0x37e397fc7c91f5e4', 2]],
  transactionVersion: 1,
  stateVersion: 1,
};

function find(stored: Stored, key: string): string | null {
  for (const [name, values] of Object.entries(stored)) {
    const [pallet = '', item = ''] = name.split('.');
    const prefix = xxhashAsHex(pallet, 128) + xxhashAsHex(item, 128).slice(2);
    if (!key.startsWith(prefix)) continue;
    const found = Object.entries(values).find(([keys]) => key.slice(prefix.length).endsWith(keys));
    return found?.[1] ?? null;
  }
  return null;
}

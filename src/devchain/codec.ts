import { callApi } from './apis.ts';
import { runtimeCall } from './calls.ts';
import { decodeExtrinsic } from './codec-extrinsic.ts';
import { createMetadata, type Metadata, type RuntimeFacts } from './metadata.ts';
import { FIRST_SPEC_VERSION } from './runtime-version.ts';
import { encode } from './scale.ts';
import type { DevCall, DevEvent, DevState } from './state.ts';
import { createStateTrie } from './state-trie.ts';
import { createStorage } from './storage.ts';
import type { Trie } from './trie.ts';

/** What a block knows that its state does not hold. Hashes are 64 hex digits. */
export type BlockExtra = Readonly<{
  parentHash: string;
  events: readonly DevEvent[];
  specVersion: number;
  /** The hash of a block of this chain below this one; null for any other number. */
  blockHashes: (number: number) => string | null;
}>;

/** What a signature covers beside the extrinsic's own bytes. Hashes are 64 hex digits. */
export type ChainFacts = Readonly<{
  specVersion: number;
  transactionVersion: number;
  genesisHash: string;
  /** Of the block that the era begins with; the genesis hash for an immortal extrinsic. */
  birthHash: string;
}>;

export type Era =
  | { readonly immortal: true }
  /** Valid from a block with `block % period === phase`, for `period` blocks. */
  | { readonly immortal: false; readonly period: number; readonly phase: number };

export type DecodedExtrinsic =
  | Readonly<{
      kind: 'extrinsic';
      /** BLAKE2b-256 of the bytes as they were sent, 64 hex digits. */
      hash: string;
      signer: string;
      nonce: number;
      era: Era;
      call: DevCall;
      /** sr25519, 64 bytes. */
      signature: Uint8Array;
      /** The exact bytes that must have been signed. */
      payload: (facts: ChainFacts) => Uint8Array;
    }>
  | { readonly kind: 'invalid'; readonly detail: string };

/** The development chain's SCALE edge: everything outside of it is plain values. */
export type DevCodec = Readonly<{
  /** As of spec 343 with blocks of 12 s. */
  metadataV14: Uint8Array;
  metadataV15: Uint8Array;
  /** The metadata of another runtime or chain, which names its spec version and block time. */
  metadata: (version: 14 | 15, facts: RuntimeFacts) => Uint8Array;
  /** The value behind a storage key in 0x hex; null when absent. */
  storageValue: (state: DevState, keyHex: string, extra: BlockExtra) => string | null;
  /** The trie of a state; it is made soonest for one that differs little from the last. */
  trieOf: (state: DevState, extra: BlockExtra) => Trie;
  /** All keys below a prefix in 0x hex, sorted. */
  storageKeys: (state: DevState, prefixHex: string) => readonly string[];
  /** An extrinsic as `author_submitExtrinsic` takes it, length prefix included. */
  decodeExtrinsic: (bytes: Uint8Array) => DecodedExtrinsic;
  /** The answer of a `state_call` in 0x hex. Throws `input.invalid` for a method that it does not have. */
  callApi: (state: DevState, method: string, argsHex: string, extra: BlockExtra) => string;
  encodeCall: (call: DevCall) => Uint8Array;
}>;

/** What every function of the codec gives follows from its arguments; what is costly to build is built once. */
export function createCodec(): DevCodec {
  const storage = createStorage();
  const trieOf = createStateTrie(storage.items);
  const built = new Map<string, Metadata>();
  const metadata = (version: 14 | 15, { specVersion, slotMs }: RuntimeFacts): Uint8Array => {
    const key = `${specVersion} ${slotMs}`;
    const known = built.get(key) ?? createMetadata(storage.items, { specVersion, slotMs });
    if (built.size >= MAX_RUNTIMES) built.clear();
    built.set(key, known);
    return known[version];
  };
  return {
    metadataV14: metadata(14, FINNEY),
    metadataV15: metadata(15, FINNEY),
    metadata,
    storageValue: storage.value,
    trieOf: (state, extra) => trieOf({ state, extra }),
    storageKeys: storage.keys,
    decodeExtrinsic,
    callApi: (state, method, argsHex, extra) =>
      callApi(method, argsHex, {
        state,
        extra,
        metadata: (version) =>
          metadata(version, { specVersion: extra.specVersion, slotMs: state.params.slotMs }),
      }),
    encodeCall: (call) => encode(runtimeCall, call),
  };
}

const FINNEY: RuntimeFacts = { specVersion: FIRST_SPEC_VERSION, slotMs: 12_000 };

/** A test upgrades the runtime a few times; a chain that does it more often builds metadata again. */
const MAX_RUNTIMES = 8;

import { AppError } from '../errors.ts';
import type { DevCall, DevEvent, DevState } from './state.ts';

/** What a block knows that its state does not hold. Hashes are 64 hex digits. */
export type BlockExtra = Readonly<{
  blockHash: string;
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
  metadataV14: Uint8Array;
  metadataV15: Uint8Array;
  /** The value behind a storage key in 0x hex; null when absent. */
  storageValue: (state: DevState, keyHex: string, extra: BlockExtra) => string | null;
  /** All keys below a prefix in 0x hex, sorted. */
  storageKeys: (state: DevState, prefixHex: string) => readonly string[];
  /** An extrinsic as `author_submitExtrinsic` takes it, length prefix included. */
  decodeExtrinsic: (bytes: Uint8Array) => DecodedExtrinsic;
  /** The answer of a `state_call` in 0x hex. Throws `input.invalid` for a method that it does not have. */
  callApi: (state: DevState, method: string, argsHex: string, extra: BlockExtra) => string;
  encodeCall: (call: DevCall) => Uint8Array;
}>;

/** Builds the metadata once; every function of the codec is pure. */
export function createCodec(): DevCodec {
  throw new AppError('input.invalid', { field: 'codec', expected: 'an implementation' });
}

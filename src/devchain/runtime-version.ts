import { blake2AsHex } from '@polkadot/util-crypto/cjs/blake2/index';
import { struct, tuple, type ValueOf, vec } from './scale.ts';
import { fixedBytes, text, u8, u32 } from './scale-basic.ts';

/** The runtime that the chain starts with: Finney's. */
export const FIRST_SPEC_VERSION = 343;
export const TRANSACTION_VERSION = 1;

/** The runtime APIs that the chain answers, with Finney's versions of them. */
const APIS = {
  Core: 5,
  Metadata: 2,
  AccountNonceApi: 1,
  TransactionPaymentApi: 4,
  SubnetInfoRuntimeApi: 1,
} as const;

export const runtimeVersionScale = struct(
  {
    specName: text,
    implName: text,
    authoringVersion: u32,
    specVersion: u32,
    implVersion: u32,
    apis: vec(tuple(fixedBytes(8), u32)),
    transactionVersion: u32,
    systemVersion: u8,
  },
  'sp_version::RuntimeVersion',
);

/** The runtime's own account of itself, as `Core_version` and the metadata have it. */
export function runtimeVersionOf(specVersion: number): ValueOf<typeof runtimeVersionScale> {
  return {
    specName: 'node-subtensor',
    implName: 'node-subtensor',
    authoringVersion: 1,
    specVersion,
    implVersion: 1,
    // An API is known by the first 64 bits of its name's BLAKE2b.
    apis: Object.entries(APIS).map(([name, version]) => [blake2AsHex(name, 64), version] as const),
    transactionVersion: TRANSACTION_VERSION,
    systemVersion: 1,
  };
}

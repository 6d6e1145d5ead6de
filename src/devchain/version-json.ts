import { blake2AsU8a } from '@polkadot/util-crypto/blake2';
import { TRANSACTION_VERSION } from './node.ts';

/** The runtime APIs with their versions; clients look for `Metadata` version 2 to ask for metadata 15. */
const APIS = {
  Core: 5,
  Metadata: 2,
  AccountNonceApi: 1,
  TransactionPaymentApi: 4,
  SubnetInfoRuntimeApi: 1,
} as const;

/** The answer of `state_getRuntimeVersion`. */
export function runtimeVersion(specVersion: number) {
  return {
    specName: 'node-subtensor',
    implName: 'node-subtensor',
    authoringVersion: 1,
    specVersion,
    implVersion: 1,
    apis,
    transactionVersion: TRANSACTION_VERSION,
    stateVersion: 1,
  };
}

/** An API is named by the first 8 bytes of its name's BLAKE2b. */
const apis = Object.entries(APIS).map(([name, version]) => [
  `0x${Buffer.from(blake2AsU8a(name, 64)).toString('hex')}`,
  version,
]);

import { blake2AsU8a } from '@polkadot/util-crypto/cjs/blake2/index';

/** BLAKE2b with 32 bytes of output, the chain's own hash. */
export function blake2b256(bytes: Uint8Array): Uint8Array {
  return blake2AsU8a(bytes, 256);
}

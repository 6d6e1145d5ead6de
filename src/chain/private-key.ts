import { ristretto255 } from '@noble/curves/ed25519.js';
import { bytesToNumberLE, numberToBytesLE } from '@noble/curves/utils.js';
import type { KeyPair } from './hotkey.ts';

/**
 * The key pair of a `privateKey` of 64 bytes: a scalar, little-endian, and a nonce. Bittensor's files hold
 * schnorrkel's canonical form; the secret key that wasm-crypto takes is ed25519's expanded form, whose
 * scalar is 8 times that. Both are taken: a scalar that is not reduced is an expanded one, because
 * those that ed25519's clamping gives are from 2^254 up. Null for bytes that are neither.
 */
export function pairFromPrivateKey(privateKey: Uint8Array): KeyPair | null {
  if (privateKey.length !== PRIVATE_KEY_BYTES) return null;
  const given = bytesToNumberLE(privateKey.subarray(0, SCALAR_BYTES));
  const scalar = given < ORDER ? given : given % COFACTOR === 0n ? given / COFACTOR : 0n;
  if (scalar === 0n || scalar >= ORDER) return null;
  return {
    publicKey: ristretto255.Point.BASE.multiply(scalar).toBytes(),
    secretKey: withScalar(privateKey, scalar * COFACTOR),
  };
}

/** The canonical form of a pair's secret key, as Bittensor's files hold it. */
export function privateKeyOf({ secretKey }: KeyPair): Uint8Array {
  return withScalar(secretKey, bytesToNumberLE(secretKey.subarray(0, SCALAR_BYTES)) / COFACTOR);
}

const PRIVATE_KEY_BYTES = 64;
const SCALAR_BYTES = 32;
const COFACTOR = 8n;
const ORDER = ristretto255.Point.Fn.ORDER;

function withScalar(key: Uint8Array, scalar: bigint): Uint8Array {
  return Buffer.concat([numberToBytesLE(scalar, SCALAR_BYTES), key.subarray(SCALAR_BYTES)]);
}

import { createHash } from 'node:crypto';
import { bls12_381 } from '@noble/curves/bls12-381.js';
import { AppError } from '../errors.ts';

/** A drand network: its BLS public key in G2 (96 bytes, compressed), and when its rounds are, in seconds. */
export type Beacon = Readonly<{
  /** 192 lower-case hex digits. */
  publicKey: string;
  /** Time of round 1, in seconds since 1970. */
  genesisTime: number;
  /** Seconds between two rounds. */
  period: number;
}>;

/** drand's `quicknet`, unchained with signatures in G1: the beacon that Finney follows. */
export const QUICKNET: Beacon = {
  publicKey:
    '83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a',
  genesisTime: 1_692_803_367,
  period: 3,
};

/** What the beacon signs for a round, and whom a message to that round is encrypted to: SHA-256 of the round as u64, big-endian. */
export function roundIdentity(round: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(round));
  return createHash('sha256').update(bytes).digest();
}

/** The point of G1 that stands for a round: its identity hashed to the curve. */
export function roundPoint(round: number): ReturnType<typeof signatures.hash> {
  return signatures.hash(roundIdentity(round));
}

/** The signature of a round (48 bytes, G1), as a development beacon makes it. Throws `key.invalid` as `publicKeyOf` does. */
export function signRound(secret: Uint8Array, round: number): Uint8Array {
  return signatures.sign(roundPoint(round), scalarOf(secret)).toBytes();
}

/**
 * The public key (96 bytes, G2) of a beacon's secret: any 32 bytes, taken as a big-endian number modulo the
 * order of the group. Throws `key.invalid` for another length, and for a secret that is 0 by that rule.
 */
export function publicKeyOf(secret: Uint8Array): Uint8Array {
  return signatures.getPublicKey(scalarOf(secret)).toBytes();
}

/** True when `signature` is the beacon's for this round. False for anything malformed; never throws. */
export function verifyRound(signature: Uint8Array, round: number, publicKey: Uint8Array): boolean {
  try {
    return signatures.verify(signature, roundPoint(round), publicKey);
  } catch {
    // Points that are none make the decoder throw, which here is an answer.
    return false;
  }
}

/** BLS with signatures in G1, under the ciphersuite BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_. */
const signatures = bls12_381.shortSignatures;

const SECRET_BYTES = 32;

function scalarOf(secret: Uint8Array): Uint8Array {
  const { Fr } = bls12_381.fields;
  const scalar =
    secret.length === SECRET_BYTES
      ? Fr.create(BigInt(`0x${Buffer.from(secret).toString('hex')}`))
      : Fr.ZERO;
  if (Fr.is0(scalar))
    // The value is a secret, so only its length is told.
    throw new AppError('key.invalid', {
      field: 'beacon secret',
      value: `${secret.length} bytes`,
      expected: `${SECRET_BYTES} bytes that are not 0 modulo the group order`,
    });
  return Fr.toBytes(scalar);
}

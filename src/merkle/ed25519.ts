import { hash } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { AppError } from '../errors.ts';

/**
 * True when `signature` is one of `message` under `publicKey`, by the one predicate that all readers of our
 * logs share: the public key is canonical, free of torsion and not the identity; S < L; and S·B − k·A
 * encodes to exactly R (RFC 8032 section 5.1.7, cofactorless). Verifiers differ on hostile keys, and who
 * owns a log chooses its key. Total: false for anything malformed.
 */
export function verifyEd25519(
  message: Uint8Array,
  signature: Uint8Array,
  publicKey: Uint8Array,
): boolean {
  if (signature.length !== SIGNATURE_BYTES) return false;
  const key = admittedKey(publicKey);
  if (key === null) return false;
  const r = signature.subarray(0, KEY_BYTES);
  const s = littleEndian(signature.subarray(KEY_BYTES));
  if (s >= ORDER) return false;
  const k = littleEndian(hash('sha512', Buffer.concat([r, publicKey, message]), 'buffer')) % ORDER;
  const point = ed25519.Point.BASE.multiplyUnsafe(s).add(key.negate().multiplyUnsafe(k));
  return Buffer.compare(point.toBytes(), r) === 0;
}

/** True for a public key that `verifyEd25519` admits: canonical, of the prime-order group, not its identity. */
export function isEd25519Key(publicKey: Uint8Array): boolean {
  return admittedKey(publicKey) !== null;
}

/** The public key, 32 bytes, of a seed of 32 bytes (RFC 8032 section 5.1.5). Throws `key.invalid` for another length. */
export function publicKeyEd25519(seed: Uint8Array): Uint8Array {
  checkSeed(seed);
  return ed25519.getPublicKey(seed);
}

/** The signature, 64 bytes: deterministic, so signing again after a crash gives the same note. Throws `key.invalid`. */
export function signEd25519(message: Uint8Array, seed: Uint8Array): Uint8Array {
  checkSeed(seed);
  return ed25519.sign(message, seed);
}

const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** L, the order of the base point (RFC 8032 section 5.1). */
const ORDER = ed25519.Point.CURVE().n;

type Point = InstanceType<typeof ed25519.Point>;

/** The check of a key costs more than that of a signature, and each log and witness has one for all that it signs. */
const MAX_ADMITTED_KEYS = 256;
const admitted = new Map<string, Point>();

function admittedKey(publicKey: Uint8Array): Point | null {
  const name = Buffer.from(publicKey).toString('hex');
  const known = admitted.get(name);
  if (known !== undefined) return known;
  const point = admit(publicKey);
  if (point === null) return null;
  const oldest = admitted.keys().next();
  if (admitted.size >= MAX_ADMITTED_KEYS && oldest.done !== true) admitted.delete(oldest.value);
  admitted.set(name, point);
  return point;
}

function admit(publicKey: Uint8Array): Point | null {
  if (publicKey.length !== KEY_BYTES) return null;
  let point: Point;
  try {
    // Strict: y < p, and no sign bit where x is zero.
    point = ed25519.Point.fromBytes(publicKey, false);
  } catch {
    // The decoder throws for what is no point, which here is an answer.
    return null;
  }
  return point.is0() || !point.isTorsionFree() ? null : point;
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
}

function checkSeed(seed: Uint8Array): void {
  if (seed.length === KEY_BYTES) return;
  // The value is a secret, so only its length is told.
  throw new AppError('key.invalid', {
    field: 'Ed25519 seed',
    value: `${seed.length} bytes`,
    expected: `${KEY_BYTES} bytes`,
  });
}

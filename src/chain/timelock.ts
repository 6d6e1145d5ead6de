import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import { bls12_381 } from '@noble/curves/bls12-381.js';
import { roundPoint } from './drand.ts';

/** Fresh randomness of one ciphertext: never used twice, and never kept. */
export type TimelockRandom = Readonly<{
  /** 32 bytes: the AES key, which is what the identity-based part encrypts. */
  esk: Uint8Array;
  /** 32 bytes. */
  sigma: Uint8Array;
  /** 12 bytes. */
  nonce: Uint8Array;
}>;

/**
 * Encrypts to a drand round: whoever has the round's signature can decrypt, nobody can before. The format is
 * that of the `tle` crate with TinyBLS381 and AES-256-GCM, which the chain's runtime decrypts: Boneh and
 * Franklin's full-ident scheme (CRYPTO 2001, section 6) around a symmetric key. `publicKey` is the beacon's, 96
 * bytes in G2. The ciphertext is 244 bytes longer than the plaintext.
 */
export function encryptTimelocked(
  plaintext: Uint8Array,
  round: number,
  publicKey: Uint8Array,
  { esk, sigma, nonce }: TimelockRandom,
): Uint8Array {
  const r = bindingScalar(sigma, esk);
  const pad = pairingDigest(roundPoint(round).multiply(r), G2.fromBytes(publicKey));
  const cipher = createCipheriv(CIPHER, esk, nonce);
  const sealed = [cipher.update(plaintext), cipher.final(), cipher.getAuthTag()];
  return Buffer.concat([
    G2.BASE.multiply(r).toBytes(),
    prefixed(xor(sigma, pad)),
    prefixed(xor(esk, sha256(sigma))),
    prefixed(Buffer.concat([prefixed(Buffer.concat(sealed)), prefixed(nonce)])),
    prefixed(SUITE),
  ]);
}

/**
 * Decrypts with the signature of the round (48 bytes in G1). Null for a ciphertext that is malformed, was
 * altered, or belongs to another round; never throws.
 */
export function decryptTimelocked(
  ciphertext: Uint8Array,
  roundSignature: Uint8Array,
): Uint8Array | null {
  const parts = readCiphertext(ciphertext);
  if (parts === null) return null;
  const { v, w, sealed, nonce } = parts;
  try {
    const u = G2.fromBytes(parts.u);
    u.assertValidity();
    const sigma = xor(v, pairingDigest(bls12_381.G1.Point.fromBytes(roundSignature), u));
    const esk = xor(w, sha256(sigma));
    if (!G2.BASE.multiply(bindingScalar(sigma, esk)).equals(u)) return null;
    const decipher = createDecipheriv(CIPHER, esk, nonce);
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(sealed.subarray(0, -TAG_BYTES)), decipher.final()]);
  } catch {
    // Points that are none and a tag that does not fit make the libraries throw, which here is an answer.
    return null;
  }
}

const G2 = bls12_381.G2.Point;
type G1Point = InstanceType<typeof bls12_381.G1.Point>;
type G2Point = InstanceType<typeof bls12_381.G2.Point>;

const CIPHER = 'aes-256-gcm';
/** What the crate writes as the name of this cipher. */
const SUITE = Buffer.from('AES_GCM_');
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const G2_BYTES = 96;
const FP_BYTES = 48;
const LENGTH_BYTES = 8;

/** Ties U to sigma and the key, so that an altered ciphertext is found out. */
function bindingScalar(sigma: Uint8Array, esk: Uint8Array): bigint {
  return bls12_381.fields.Fr.create(BigInt(`0x${sha256(sigma, esk).toString('hex')}`));
}

/** SHA-256 of a pairing as arkworks writes it: the twelve coordinates in order, each little-endian. */
function pairingDigest(a: G1Point, b: G2Point): Uint8Array {
  const bytes = bls12_381.fields.Fp12.toBytes(bls12_381.pairing(a, b));
  for (let at = 0; at < bytes.length; at += FP_BYTES) bytes.subarray(at, at + FP_BYTES).reverse();
  return sha256(bytes);
}

/** Bytes behind their length as u64, little-endian. */
function prefixed(bytes: Uint8Array): Uint8Array {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeBigUInt64LE(BigInt(bytes.length));
  return Buffer.concat([length, bytes]);
}

function readCiphertext(bytes: Uint8Array) {
  const outer = readPrefixed(bytes.subarray(G2_BYTES), 4);
  const [v, w, body, suite] = outer ?? [];
  if (v === undefined || w === undefined || body === undefined || suite === undefined) return null;
  const [sealed, nonce] = readPrefixed(body, 2) ?? [];
  if (sealed === undefined || nonce === undefined) return null;
  const sized =
    v.length === KEY_BYTES &&
    w.length === KEY_BYTES &&
    sealed.length >= TAG_BYTES &&
    nonce.length === NONCE_BYTES;
  if (!sized || !SUITE.equals(suite)) return null;
  return { u: bytes.subarray(0, G2_BYTES), v, w, sealed, nonce };
}

/** `count` length-prefixed parts that fill the bytes; null when they do not. */
function readPrefixed(bytes: Uint8Array, count: number): readonly Uint8Array[] | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const parts: Uint8Array[] = [];
  let at = 0;
  for (let part = 0; part < count; part++) {
    if (buffer.length - at < LENGTH_BYTES) return null;
    const length = buffer.readBigUInt64LE(at);
    at += LENGTH_BYTES;
    if (length > BigInt(buffer.length - at)) return null;
    parts.push(buffer.subarray(at, at + Number(length)));
    at += Number(length);
  }
  return at === buffer.length ? parts : null;
}

function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, index) => byte ^ (b[index] ?? 0));
}

function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

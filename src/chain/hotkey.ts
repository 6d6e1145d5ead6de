import { decodeAddress, encodeAddress } from '@polkadot/util-crypto/cjs/address/index';
import {
  sr25519KeypairFromSeed,
  sr25519Sign,
  sr25519Verify,
  waitReady,
} from '@polkadot/wasm-crypto/cjs/index';
import type { Signer, Verify } from '../consensus/keys.ts';
import { AppError } from '../errors.ts';
import { Signature, Ss58 } from '../events/scalars.ts';

/** Must be awaited once before any key of this file is used: it compiles the WebAssembly of the curve. */
export async function cryptoReady(): Promise<void> {
  if (!(await waitReady())) {
    throw new AppError('key.invalid', {
      field: 'sr25519',
      expected: 'a Node that runs WebAssembly: keys cannot be used without it',
    });
  }
}

/** The signer of a 32-byte mini secret (`secretSeed` of a key file). Throws `key.invalid` for another length. */
export function hotkeyFromSeed(seed: Uint8Array): Signer {
  if (seed.length !== SEED_BYTES) {
    // The value is a secret, so only its length is told.
    throw new AppError('key.invalid', {
      field: 'seed',
      value: `${seed.length} bytes`,
      expected: `${SEED_BYTES} bytes`,
    });
  }
  return signerOf(pairFromSeed(seed));
}

/** An sr25519 key pair as wasm-crypto takes it: 32 bytes, and 64 bytes in ed25519's expanded form. */
export type KeyPair = Readonly<{ publicKey: Uint8Array; secretKey: Uint8Array }>;

/** The key pair of a mini secret of 32 bytes. */
export function pairFromSeed(seed: Uint8Array): KeyPair {
  const pair = sr25519KeypairFromSeed(seed);
  return { publicKey: pair.subarray(SECRET_BYTES), secretKey: pair.subarray(0, SECRET_BYTES) };
}

/** The signer of a key pair, whose public key must be that of its secret key: nobody checks it again. */
export function signerOf({ publicKey, secretKey }: KeyPair): Signer {
  return {
    hotkey: addressOf(publicKey),
    sign: (message) => Buffer.from(sr25519Sign(publicKey, secretKey, message)).toString('hex'),
  };
}

/**
 * sr25519 (schnorrkel, context `substrate`) over exactly `message`. False for a signature that is not
 * 128 lower-case hex digits or lacks schnorrkel's marker bit, and for an address that is none.
 */
export const verifySr25519: Verify = (message, signature, hotkey) => {
  if (!Signature.safeParse(signature).success) return false;
  const publicKey = publicKeyOf(hotkey);
  if (publicKey === undefined) return false;
  // This order of arguments is wasm-crypto's own.
  return sr25519Verify(Buffer.from(signature, 'hex'), message, publicKey);
};

/** True for an address of prefix 42 whose checksum holds: a hotkey or coldkey of the subnet. */
export function isSs58(text: string): boolean {
  return publicKeyOf(text) !== undefined;
}

/** The 32 bytes of the public key that an address of prefix 42 stands for; undefined for anything else. */
export function publicKeyOf(address: string): Uint8Array | undefined {
  const cached = cache.get(address);
  if (cached !== undefined) return cached;
  if (!Ss58.safeParse(address).success) return undefined;
  let publicKey: Uint8Array;
  try {
    publicKey = decodeAddress(address, false, SS58_PREFIX);
  } catch {
    // The decoder throws for a bad checksum, which here is an answer.
    return undefined;
  }
  const oldest = cache.keys().next();
  if (cache.size >= MAX_CACHED_KEYS && oldest.done !== true) cache.delete(oldest.value);
  cache.set(address, publicKey);
  return publicKey;
}

/** The ss58 address of a public key of 32 bytes. */
export function addressOf(publicKey: Uint8Array): string {
  return encodeAddress(publicKey, SS58_PREFIX);
}

const SEED_BYTES = 32;
const SECRET_BYTES = 64;
/** Bittensor's address format: substrate's generic prefix. */
export const SS58_PREFIX = 42;

/** More than the hotkeys and coldkeys of the largest subnet, each read many times; whatever else comes in is evicted. */
const MAX_CACHED_KEYS = 16_384;
const cache = new Map<string, Uint8Array>();

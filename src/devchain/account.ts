import { decodeAddress, encodeAddress } from '@polkadot/util-crypto/address';
import { AppError } from '../errors.ts';

/** Bittensor uses substrate's generic prefix. */
const SS58_PREFIX = 42;

/** More than the keys of the largest subnet; the checksums of a whole metagraph would take longer than the rest. */
const MAX_CACHED_ACCOUNTS = 16_384;
const cached = new Map<string, Uint8Array>();

/** The public key of an ss58 address. Throws `key.invalid` for anything else. */
export function accountBytes(address: string): Uint8Array {
  const known = cached.get(address);
  if (known !== undefined) return known;
  let publicKey: Uint8Array;
  try {
    publicKey = decodeAddress(address, false, SS58_PREFIX);
  } catch (cause) {
    throw new AppError(
      'key.invalid',
      { field: 'account', value: address, expected: `an ss58 address of prefix ${SS58_PREFIX}` },
      { cause },
    );
  }
  if (cached.size >= MAX_CACHED_ACCOUNTS) cached.clear();
  cached.set(address, publicKey);
  return publicKey;
}

/** The ss58 address of a public key of 32 bytes. */
export function addressOf(publicKey: Uint8Array): string {
  return encodeAddress(publicKey, SS58_PREFIX);
}

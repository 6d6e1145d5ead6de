import { Ss58 } from './scalars.ts';

/**
 * The 32 bytes of the public key in an ss58 address of 48 characters; null for anything else. Neither its
 * checksum nor the exact prefix is verified here: whoever checks a signature by it refuses a wrong one.
 */
export function ss58PublicKey(hotkey: string): Uint8Array | null {
  if (!Ss58.safeParse(hotkey).success) return null;
  let value = 0n;
  for (const digit of hotkey) value = value * 58n + BigInt(ALPHABET.indexOf(digit));
  // 48 digits of which the first is a 5 are less than 2^278, so they always fit.
  const hex = value.toString(16).padStart(2 * ADDRESS_BYTES, '0');
  return new Uint8Array(Buffer.from(hex, 'hex').subarray(PREFIX_BYTES, PREFIX_BYTES + KEY_BYTES));
}

/** Bitcoin's base 58, which ss58 uses: no 0, O, I and l. */
const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const PREFIX_BYTES = 1;
const KEY_BYTES = 32;
const CHECKSUM_BYTES = 2;
const ADDRESS_BYTES = PREFIX_BYTES + KEY_BYTES + CHECKSUM_BYTES;
